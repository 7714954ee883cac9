// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

/**
 * {@link AttentionKernels} with the Vector API, the twin of {@link ScalarKernels}.
 *
 * <p>The tile kernels work on blocks of 4 rows by 2 vectors: 8 accumulators are what two FMA units of four cycles latency
 * need to stay busy, and they leave registers for the operands on machines with 16. The decode kernels read every key
 * and value once, four keys or eight vectors at a time.
 *
 * <p>Offsets become bytes once, at the top of each method. Nothing here allocates.
 */
final class VectorKernels extends AttentionKernels {
    private static final VectorSpecies<Float> SPECIES = VectorCapabilities
            .speciesOf(VectorCapabilities.selectedBits());
    private static final int LANES = SPECIES.length();
    private static final long VECTOR_BYTES = (long) LANES * Float.BYTES;
    private static final int TILE_ROWS = 2 * LANES;
    private static final long TILE_BYTES = (long) TILE_ROWS * Float.BYTES;
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();
    /** 0, 1, 2, ... in the lanes. */
    private static final FloatVector LANE_INDEX = FloatVector.zero(SPECIES).addIndex(1);

    @Override
    public String description() {
        return "Vector API, " + SPECIES.vectorBitSize() + " bits";
    }

    @Override
    public int tileRows() {
        return TILE_ROWS;
    }

    // ---- decode: one query row ----

    @Override
    void doScores(MemorySegment scores, long scoresOffset, MemorySegment query, long queryOffset, MemorySegment keys,
            long keysOffset, int numberOfKeys, int headSize, float scale) {
        long queryAt = bytes(queryOffset);
        long rowBytes = bytes(headSize);
        int blocks = numberOfKeys & ~3;
        for (int key = 0; key < blocks; key += 4) {
            scores4(scores, bytes(scoresOffset + key), query, queryAt, keys, bytes(keysOffset) + key * rowBytes,
                    headSize, scale);
        }
        for (int key = blocks; key < numberOfKeys; key++) {
            float sum = dot(query, queryAt, keys, bytes(keysOffset) + key * rowBytes, headSize);
            scores.set(JAVA_FLOAT_UNALIGNED, bytes(scoresOffset + key), scale * sum);
        }
    }

    /** Four keys at once, so that each part of the query is loaded once for four products. */
    private static void scores4(MemorySegment scores, long scoresAt, MemorySegment query, long queryAt,
            MemorySegment keys, long keysAt, int headSize, float scale) {
        long row = bytes(headSize);
        FloatVector a = FloatVector.zero(SPECIES);
        FloatVector b = a;
        FloatVector c = a;
        FloatVector d = a;
        int limit = SPECIES.loopBound(headSize);
        for (int i = 0; i < limit; i += LANES) {
            long at = bytes(i);
            FloatVector q = load(query, queryAt + at);
            long k = keysAt + at;
            a = q.fma(load(keys, k), a);
            b = q.fma(load(keys, k + row), b);
            c = q.fma(load(keys, k + 2 * row), c);
            d = q.fma(load(keys, k + 3 * row), d);
        }
        FloatVector sums = sumLanes(a, b, c, d);
        float sumA = sums.lane(0);
        float sumB = sums.lane(LANES / 2);
        float sumC = sums.lane(LANES / 4);
        float sumD = sums.lane(LANES / 2 + LANES / 4);
        for (int i = limit; i < headSize; i++) {
            long at = bytes(i);
            float q = get(query, queryAt + at);
            long k = keysAt + at;
            sumA += q * get(keys, k);
            sumB += q * get(keys, k + row);
            sumC += q * get(keys, k + 2 * row);
            sumD += q * get(keys, k + 3 * row);
        }
        scores.set(JAVA_FLOAT_UNALIGNED, scoresAt, scale * sumA);
        scores.set(JAVA_FLOAT_UNALIGNED, scoresAt + 4, scale * sumB);
        scores.set(JAVA_FLOAT_UNALIGNED, scoresAt + 8, scale * sumC);
        scores.set(JAVA_FLOAT_UNALIGNED, scoresAt + 12, scale * sumD);
    }

    private static float dot(MemorySegment x, long xAt, MemorySegment y, long yAt, int length) {
        FloatVector sum = FloatVector.zero(SPECIES);
        int limit = SPECIES.loopBound(length);
        for (int i = 0; i < limit; i += LANES) {
            sum = load(x, xAt + bytes(i)).fma(load(y, yAt + bytes(i)), sum);
        }
        float result = sumLanes(sum);
        for (int i = limit; i < length; i++) {
            result += get(x, xAt + bytes(i)) * get(y, yAt + bytes(i));
        }
        return result;
    }

    @Override
    void doSoftCap(MemorySegment scores, long offset, int length, float cap) {
        long start = bytes(offset);
        int limit = SPECIES.loopBound(length);
        for (int i = 0; i < limit; i += LANES) {
            FloatVector x = load(scores, start + bytes(i)).div(cap);
            FloatVector e = exp(x.abs().mul(-2f));
            FloatVector tanh = e.neg().add(1f).div(e.add(1f));
            store(tanh.blend(tanh.neg(), x.compare(VectorOperators.LT, 0f)).mul(cap), scores, start + bytes(i));
        }
        for (int i = limit; i < length; i++) {
            scores.set(JAVA_FLOAT_UNALIGNED, start + bytes(i),
                    cap * (float) Math.tanh(get(scores, start + bytes(i)) / cap));
        }
    }

    @Override
    void doSoftmax(MemorySegment scores, long offset, int length) {
        long start = bytes(offset);
        int limit = SPECIES.loopBound(length);
        FloatVector maxima = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
        for (int i = 0; i < limit; i += LANES) {
            maxima = maxima.max(load(scores, start + bytes(i)));
        }
        float max = maxima.reduceLanes(VectorOperators.MAX);
        for (int i = limit; i < length; i++) {
            max = Math.max(max, get(scores, start + bytes(i)));
        }
        FloatVector sums = FloatVector.zero(SPECIES);
        for (int i = 0; i < limit; i += LANES) {
            FloatVector value = exp(load(scores, start + bytes(i)).sub(max));
            store(value, scores, start + bytes(i));
            sums = sums.add(value);
        }
        float sum = sumLanes(sums);
        for (int i = limit; i < length; i++) {
            float value = (float) Math.exp(get(scores, start + bytes(i)) - max);
            scores.set(JAVA_FLOAT_UNALIGNED, start + bytes(i), value);
            sum += value;
        }
        float factor = 1 / sum;
        for (int i = 0; i < limit; i += LANES) {
            store(load(scores, start + bytes(i)).mul(factor), scores, start + bytes(i));
        }
        for (int i = limit; i < length; i++) {
            scores.set(JAVA_FLOAT_UNALIGNED, start + bytes(i), get(scores, start + bytes(i)) * factor);
        }
    }

    @Override
    void doWeightedSum(MemorySegment out, long outOffset, MemorySegment probabilities, long probabilitiesOffset,
            MemorySegment values, long valuesOffset, int numberOfValues, int headSize) {
        long outAt = bytes(outOffset);
        long weightsAt = bytes(probabilitiesOffset);
        long valuesAt = bytes(valuesOffset);
        int i = 0;
        for (; i + 8 * LANES <= headSize; i += 8 * LANES) {
            weightedSum8(out, outAt + bytes(i), probabilities, weightsAt, values, valuesAt + bytes(i), numberOfValues,
                    headSize);
        }
        for (; i + 4 * LANES <= headSize; i += 4 * LANES) {
            weightedSum4(out, outAt + bytes(i), probabilities, weightsAt, values, valuesAt + bytes(i), numberOfValues,
                    headSize);
        }
        for (; i + LANES <= headSize; i += LANES) {
            FloatVector sum = load(out, outAt + bytes(i));
            for (int value = 0; value < numberOfValues; value++) {
                FloatVector weight = broadcast(probabilities, weightsAt + bytes(value));
                sum = weight.fma(load(values, valuesAt + bytes((long) value * headSize + i)), sum);
            }
            store(sum, out, outAt + bytes(i));
        }
        for (; i < headSize; i++) {
            float sum = get(out, outAt + bytes(i));
            for (int value = 0; value < numberOfValues; value++) {
                sum += get(probabilities, weightsAt + bytes(value))
                        * get(values, valuesAt + bytes((long) value * headSize + i));
            }
            out.set(JAVA_FLOAT_UNALIGNED, outAt + bytes(i), sum);
        }
    }

    private static void weightedSum8(MemorySegment out, long outAt, MemorySegment weights, long weightsAt,
            MemorySegment values, long valuesAt, int numberOfValues, int headSize) {
        FloatVector a = load(out, outAt);
        FloatVector b = load(out, outAt + VECTOR_BYTES);
        FloatVector c = load(out, outAt + 2 * VECTOR_BYTES);
        FloatVector d = load(out, outAt + 3 * VECTOR_BYTES);
        FloatVector e = load(out, outAt + 4 * VECTOR_BYTES);
        FloatVector f = load(out, outAt + 5 * VECTOR_BYTES);
        FloatVector g = load(out, outAt + 6 * VECTOR_BYTES);
        FloatVector h = load(out, outAt + 7 * VECTOR_BYTES);
        long row = bytes(headSize);
        for (int value = 0; value < numberOfValues; value++) {
            FloatVector weight = broadcast(weights, weightsAt + bytes(value));
            long at = valuesAt + value * row;
            a = weight.fma(load(values, at), a);
            b = weight.fma(load(values, at + VECTOR_BYTES), b);
            c = weight.fma(load(values, at + 2 * VECTOR_BYTES), c);
            d = weight.fma(load(values, at + 3 * VECTOR_BYTES), d);
            e = weight.fma(load(values, at + 4 * VECTOR_BYTES), e);
            f = weight.fma(load(values, at + 5 * VECTOR_BYTES), f);
            g = weight.fma(load(values, at + 6 * VECTOR_BYTES), g);
            h = weight.fma(load(values, at + 7 * VECTOR_BYTES), h);
        }
        store(a, out, outAt);
        store(b, out, outAt + VECTOR_BYTES);
        store(c, out, outAt + 2 * VECTOR_BYTES);
        store(d, out, outAt + 3 * VECTOR_BYTES);
        store(e, out, outAt + 4 * VECTOR_BYTES);
        store(f, out, outAt + 5 * VECTOR_BYTES);
        store(g, out, outAt + 6 * VECTOR_BYTES);
        store(h, out, outAt + 7 * VECTOR_BYTES);
    }

    private static void weightedSum4(MemorySegment out, long outAt, MemorySegment weights, long weightsAt,
            MemorySegment values, long valuesAt, int numberOfValues, int headSize) {
        FloatVector a = load(out, outAt);
        FloatVector b = load(out, outAt + VECTOR_BYTES);
        FloatVector c = load(out, outAt + 2 * VECTOR_BYTES);
        FloatVector d = load(out, outAt + 3 * VECTOR_BYTES);
        long row = bytes(headSize);
        for (int value = 0; value < numberOfValues; value++) {
            FloatVector weight = broadcast(weights, weightsAt + bytes(value));
            long at = valuesAt + value * row;
            a = weight.fma(load(values, at), a);
            b = weight.fma(load(values, at + VECTOR_BYTES), b);
            c = weight.fma(load(values, at + 2 * VECTOR_BYTES), c);
            d = weight.fma(load(values, at + 3 * VECTOR_BYTES), d);
        }
        store(a, out, outAt);
        store(b, out, outAt + VECTOR_BYTES);
        store(c, out, outAt + 2 * VECTOR_BYTES);
        store(d, out, outAt + 3 * VECTOR_BYTES);
    }

    @Override
    void doRotate(MemorySegment out, long outOffset, MemorySegment in, long inOffset, MemorySegment cosSin,
            long cosSinOffset, int headSize) {
        int half = headSize / 2;
        long halfBytes = bytes(half);
        int limit = SPECIES.loopBound(half);
        for (int i = 0; i < limit; i += LANES) {
            long angleAt = bytes(cosSinOffset + i);
            FloatVector cos = load(cosSin, angleAt);
            FloatVector sin = load(cosSin, angleAt + halfBytes);
            FloatVector x = load(in, bytes(inOffset + i));
            FloatVector y = load(in, bytes(inOffset + i) + halfBytes);
            store(x.mul(cos).sub(y.mul(sin)), out, bytes(outOffset + i));
            store(x.mul(sin).add(y.mul(cos)), out, bytes(outOffset + i) + halfBytes);
        }
        for (int i = limit; i < half; i++) {
            long angleAt = bytes(cosSinOffset + i);
            float cos = get(cosSin, angleAt);
            float sin = get(cosSin, angleAt + halfBytes);
            float x = get(in, bytes(inOffset + i));
            float y = get(in, bytes(inOffset + i) + halfBytes);
            out.set(JAVA_FLOAT_UNALIGNED, bytes(outOffset + i), x * cos - y * sin);
            out.set(JAVA_FLOAT_UNALIGNED, bytes(outOffset + i) + halfBytes, x * sin + y * cos);
        }
    }

    // ---- prefill: a tile of query rows in the lanes ----

    @Override
    void doTransposeTile(MemorySegment tile, long tileOffset, MemorySegment rows, long rowsOffset, long rowStride,
            int numberOfRows, int headSize) {
        long tileAt = bytes(tileOffset);
        if (numberOfRows < TILE_ROWS) {
            tile.asSlice(tileAt, headSize * TILE_BYTES).fill((byte) 0);
        }
        for (int row = 0; row < numberOfRows; row++) {
            long in = bytes(rowsOffset + row * rowStride);
            long out = tileAt + bytes(row);
            for (int i = 0; i < headSize; i++) {
                tile.set(JAVA_FLOAT_UNALIGNED, out + i * TILE_BYTES, get(rows, in + bytes(i)));
            }
        }
    }

    @Override
    void doScoresTile(MemorySegment scores, long scoresOffset, MemorySegment queries, long queriesOffset,
            MemorySegment keys, long keysOffset, int numberOfKeys, int headSize, float scale) {
        long scoresAt = bytes(scoresOffset);
        long queriesAt = bytes(queriesOffset);
        long keysAt = bytes(keysOffset);
        int blocks = numberOfKeys & ~3;
        for (int key = 0; key < blocks; key += 4) {
            scoresTile4(scores, scoresAt + key * TILE_BYTES, queries, queriesAt, keys,
                    keysAt + bytes((long) key * headSize), headSize, scale);
        }
        for (int key = blocks; key < numberOfKeys; key++) {
            FloatVector a = FloatVector.zero(SPECIES);
            FloatVector b = a;
            long keyAt = keysAt + bytes((long) key * headSize);
            for (int i = 0; i < headSize; i++) {
                long at = queriesAt + i * TILE_BYTES;
                FloatVector k = broadcast(keys, keyAt + bytes(i));
                a = k.fma(load(queries, at), a);
                b = k.fma(load(queries, at + VECTOR_BYTES), b);
            }
            store(a.mul(scale), scores, scoresAt + key * TILE_BYTES);
            store(b.mul(scale), scores, scoresAt + key * TILE_BYTES + VECTOR_BYTES);
        }
    }

    private static void scoresTile4(MemorySegment scores, long scoresAt, MemorySegment queries, long queriesAt,
            MemorySegment keys, long keysAt, int headSize, float scale) {
        FloatVector a0 = FloatVector.zero(SPECIES);
        FloatVector a1 = a0;
        FloatVector b0 = a0;
        FloatVector b1 = a0;
        FloatVector c0 = a0;
        FloatVector c1 = a0;
        FloatVector d0 = a0;
        FloatVector d1 = a0;
        long row = bytes(headSize);
        for (int i = 0; i < headSize; i++) {
            long queryAt = queriesAt + i * TILE_BYTES;
            long keyAt = keysAt + bytes(i);
            FloatVector q0 = load(queries, queryAt);
            FloatVector q1 = load(queries, queryAt + VECTOR_BYTES);
            FloatVector k = broadcast(keys, keyAt);
            a0 = k.fma(q0, a0);
            a1 = k.fma(q1, a1);
            k = broadcast(keys, keyAt + row);
            b0 = k.fma(q0, b0);
            b1 = k.fma(q1, b1);
            k = broadcast(keys, keyAt + 2 * row);
            c0 = k.fma(q0, c0);
            c1 = k.fma(q1, c1);
            k = broadcast(keys, keyAt + 3 * row);
            d0 = k.fma(q0, d0);
            d1 = k.fma(q1, d1);
        }
        store(a0.mul(scale), scores, scoresAt);
        store(a1.mul(scale), scores, scoresAt + VECTOR_BYTES);
        store(b0.mul(scale), scores, scoresAt + TILE_BYTES);
        store(b1.mul(scale), scores, scoresAt + TILE_BYTES + VECTOR_BYTES);
        store(c0.mul(scale), scores, scoresAt + 2 * TILE_BYTES);
        store(c1.mul(scale), scores, scoresAt + 2 * TILE_BYTES + VECTOR_BYTES);
        store(d0.mul(scale), scores, scoresAt + 3 * TILE_BYTES);
        store(d1.mul(scale), scores, scoresAt + 3 * TILE_BYTES + VECTOR_BYTES);
    }

    @Override
    void doSoftmaxTile(MemorySegment scores, long scoresOffset, MemorySegment state, long stateOffset,
            int numberOfKeys, int visible) {
        for (int lane = 0; lane < TILE_ROWS; lane += LANES) {
            softmaxLanes(scores, bytes(scoresOffset + lane), state, bytes(stateOffset + lane), numberOfKeys,
                    visible + lane);
        }
    }

    /** One vector of rows; lane {@code r} sees the first {@code visible + r} keys. */
    private static void softmaxLanes(MemorySegment scores, long scoresAt, MemorySegment state, long stateAt,
            int numberOfKeys, int visible) {
        int full = Math.clamp(visible, 0, numberOfKeys);
        FloatVector oldMax = load(state, stateAt);
        FloatVector max = oldMax;
        for (int key = 0; key < full; key++) {
            max = max.max(load(scores, scoresAt + key * TILE_BYTES));
        }
        for (int key = full; key < numberOfKeys; key++) {
            FloatVector score = load(scores, scoresAt + key * TILE_BYTES);
            max = max.blend(max.max(score), sees(key, visible));
        }
        FloatVector correction = exp(oldMax.sub(max));
        FloatVector sum = load(state, stateAt + TILE_BYTES).mul(correction);
        for (int key = 0; key < full; key++) {
            FloatVector value = exp(load(scores, scoresAt + key * TILE_BYTES).sub(max));
            store(value, scores, scoresAt + key * TILE_BYTES);
            sum = sum.add(value);
        }
        for (int key = full; key < numberOfKeys; key++) {
            FloatVector value = exp(load(scores, scoresAt + key * TILE_BYTES).sub(max));
            value = FloatVector.zero(SPECIES).blend(value, sees(key, visible));
            store(value, scores, scoresAt + key * TILE_BYTES);
            sum = sum.add(value);
        }
        store(max, state, stateAt);
        store(sum, state, stateAt + TILE_BYTES);
        store(correction, state, stateAt + 2 * TILE_BYTES);
    }

    private static VectorMask<Float> sees(int key, int visible) {
        return LANE_INDEX.compare(VectorOperators.GT, (float) (key - visible));
    }

    @Override
    void doWeightedSumTile(MemorySegment out, long outOffset, MemorySegment corrections, long correctionsOffset,
            MemorySegment probabilities, long probabilitiesOffset, MemorySegment values, long valuesOffset,
            int numberOfValues, int headSize) {
        long row = bytes(headSize);
        int pairs = headSize / (2 * LANES) * (2 * LANES);
        int limit = SPECIES.loopBound(headSize);
        for (int i = 0; i < pairs; i += 2 * LANES) {
            for (int tileRow = 0; tileRow < TILE_ROWS; tileRow += 4) {
                weightedSumTile4(out, bytes(outOffset + i) + tileRow * row, corrections,
                        bytes(correctionsOffset + tileRow), probabilities, bytes(probabilitiesOffset + tileRow), values,
                        bytes(valuesOffset + i), numberOfValues, row);
            }
        }
        for (int tileRow = 0; tileRow < TILE_ROWS && pairs < headSize; tileRow++) {
            long outAt = bytes(outOffset) + tileRow * row;
            long weightsAt = bytes(probabilitiesOffset + tileRow);
            float correction = get(corrections, bytes(correctionsOffset + tileRow));
            for (int i = pairs; i < limit; i += LANES) {
                FloatVector sum = load(out, outAt + bytes(i)).mul(correction);
                for (int value = 0; value < numberOfValues; value++) {
                    FloatVector weight = broadcast(probabilities, weightsAt + value * TILE_BYTES);
                    sum = weight.fma(load(values, bytes(valuesOffset + i) + value * row), sum);
                }
                store(sum, out, outAt + bytes(i));
            }
            for (int i = limit; i < headSize; i++) {
                float sum = get(out, outAt + bytes(i)) * correction;
                for (int value = 0; value < numberOfValues; value++) {
                    sum += get(probabilities, weightsAt + value * TILE_BYTES)
                            * get(values, bytes(valuesOffset + i) + value * row);
                }
                out.set(JAVA_FLOAT_UNALIGNED, outAt + bytes(i), sum);
            }
        }
    }

    private static void weightedSumTile4(MemorySegment out, long outAt, MemorySegment corrections, long correctionsAt,
            MemorySegment weights, long weightsAt, MemorySegment values, long valuesAt, int numberOfValues, long row) {
        FloatVector c = broadcast(corrections, correctionsAt);
        FloatVector a0 = load(out, outAt).mul(c);
        FloatVector a1 = load(out, outAt + VECTOR_BYTES).mul(c);
        c = broadcast(corrections, correctionsAt + 4);
        FloatVector b0 = load(out, outAt + row).mul(c);
        FloatVector b1 = load(out, outAt + row + VECTOR_BYTES).mul(c);
        c = broadcast(corrections, correctionsAt + 8);
        FloatVector c0 = load(out, outAt + 2 * row).mul(c);
        FloatVector c1 = load(out, outAt + 2 * row + VECTOR_BYTES).mul(c);
        c = broadcast(corrections, correctionsAt + 12);
        FloatVector d0 = load(out, outAt + 3 * row).mul(c);
        FloatVector d1 = load(out, outAt + 3 * row + VECTOR_BYTES).mul(c);
        for (int value = 0; value < numberOfValues; value++) {
            long valueAt = valuesAt + value * row;
            long weightAt = weightsAt + value * TILE_BYTES;
            FloatVector v0 = load(values, valueAt);
            FloatVector v1 = load(values, valueAt + VECTOR_BYTES);
            FloatVector w = broadcast(weights, weightAt);
            a0 = w.fma(v0, a0);
            a1 = w.fma(v1, a1);
            w = broadcast(weights, weightAt + 4);
            b0 = w.fma(v0, b0);
            b1 = w.fma(v1, b1);
            w = broadcast(weights, weightAt + 8);
            c0 = w.fma(v0, c0);
            c1 = w.fma(v1, c1);
            w = broadcast(weights, weightAt + 12);
            d0 = w.fma(v0, d0);
            d1 = w.fma(v1, d1);
        }
        store(a0, out, outAt);
        store(a1, out, outAt + VECTOR_BYTES);
        store(b0, out, outAt + row);
        store(b1, out, outAt + row + VECTOR_BYTES);
        store(c0, out, outAt + 2 * row);
        store(c1, out, outAt + 2 * row + VECTOR_BYTES);
        store(d0, out, outAt + 3 * row);
        store(d1, out, outAt + 3 * row + VECTOR_BYTES);
    }

    @Override
    void doNormalizeTile(MemorySegment rows, long rowsOffset, long rowStride, MemorySegment tile, long tileOffset,
            MemorySegment sums, long sumsOffset, int numberOfRows, int headSize) {
        int limit = SPECIES.loopBound(headSize);
        for (int row = 0; row < numberOfRows; row++) {
            float factor = 1 / get(sums, bytes(sumsOffset + row));
            long in = bytes(tileOffset + (long) row * headSize);
            long out = bytes(rowsOffset + row * rowStride);
            for (int i = 0; i < limit; i += LANES) {
                store(load(tile, in + bytes(i)).mul(factor), rows, out + bytes(i));
            }
            for (int i = limit; i < headSize; i++) {
                rows.set(JAVA_FLOAT_UNALIGNED, out + bytes(i), get(tile, in + bytes(i)) * factor);
            }
        }
    }

    // ---- elements ----

    // exp(x) for x <= 0 to about one unit in the last place: x = n ln 2 + r with |r| <= ln 2 / 2, a polynomial in r
    // (the coefficients of Cephes' expf, S. Moshier, public domain), and 2^n put together from its exponent bits.
    // JDK 22-25 has a vector exp only where its SVML library exists; this one is the same everywhere.
    private static final float LOG2_E = 1.44269504088896341f;
    private static final float LN2_HIGH = 0.693359375f;
    private static final float LN2_LOW = -2.12194440e-4f;
    /** 1.5 * 2^23: adding it rounds to an integer and leaves that integer in the low bits. */
    private static final float ROUND = 12582912f;
    /** Below this the result is not a normal float; it becomes zero, as it does for negative infinity. */
    private static final float SMALLEST = -87f;

    private static FloatVector exp(FloatVector x) {
        FloatVector rounded = x.fma(FloatVector.broadcast(SPECIES, LOG2_E), FloatVector.broadcast(SPECIES, ROUND));
        FloatVector n = rounded.sub(ROUND);
        FloatVector r = n.fma(FloatVector.broadcast(SPECIES, -LN2_HIGH), x);
        r = n.fma(FloatVector.broadcast(SPECIES, -LN2_LOW), r);
        FloatVector p = r.fma(FloatVector.broadcast(SPECIES, 1.9875691500e-4f),
                FloatVector.broadcast(SPECIES, 1.3981999507e-3f));
        p = p.fma(r, FloatVector.broadcast(SPECIES, 8.3334519073e-3f));
        p = p.fma(r, FloatVector.broadcast(SPECIES, 4.1665795894e-2f));
        p = p.fma(r, FloatVector.broadcast(SPECIES, 1.6666665459e-1f));
        p = p.fma(r, FloatVector.broadcast(SPECIES, 5.0000001201e-1f));
        p = p.fma(r.mul(r), r).add(1f);
        FloatVector power = rounded.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23)
                .add(Float.floatToRawIntBits(1f)).reinterpretAsFloats();
        return p.mul(power).blend(0f, x.compare(VectorOperators.LT, SMALLEST));
    }

    // Sums across lanes, in a fixed order. The JVM's own reduceLanes(ADD) leaves the order open and changes it when it compiles
    // a method again, so that the same prompt could give another text later in the life of a process.
    private static final VectorShuffle<Float> SWAP_HALVES = swap(LANES / 2);
    private static final VectorShuffle<Float> SWAP_QUARTERS = swap(LANES / 4);
    private static final VectorShuffle<Float> SWAP_EIGHTHS = swap(LANES / 8);
    private static final VectorShuffle<Float> SWAP_SIXTEENTHS = swap(LANES / 16);
    private static final VectorMask<Float> UPPER_HALF = lanesWithBit(LANES / 2);
    private static final VectorMask<Float> UPPER_QUARTERS = lanesWithBit(LANES / 4);

    private static VectorShuffle<Float> swap(int distance) {
        return VectorShuffle.fromOp(SPECIES, lane -> lane ^ distance);
    }

    private static VectorMask<Float> lanesWithBit(int bit) {
        long lanes = 0;
        for (int lane = 0; lane < LANES; lane++) {
            lanes |= (lane & bit) != 0 ? 1L << lane : 0;
        }
        return VectorMask.fromLong(SPECIES, lanes);
    }

    private static float sumLanes(FloatVector v) {
        FloatVector sum = v.add(v.rearrange(SWAP_HALVES));
        sum = sum.add(sum.rearrange(SWAP_QUARTERS));
        return sumSmallGroups(sum).lane(0);
    }

    /** Returns the lane sums of a, c, b, d, in this order, each filling a quarter of the lanes. */
    private static FloatVector sumLanes(FloatVector a, FloatVector b, FloatVector c, FloatVector d) {
        FloatVector ab = a.blend(b, UPPER_HALF).add(b.blend(a, UPPER_HALF).rearrange(SWAP_HALVES));
        FloatVector cd = c.blend(d, UPPER_HALF).add(d.blend(c, UPPER_HALF).rearrange(SWAP_HALVES));
        FloatVector acbd = ab.blend(cd, UPPER_QUARTERS)
                .add(cd.blend(ab, UPPER_QUARTERS).rearrange(SWAP_QUARTERS));
        return sumSmallGroups(acbd);
    }

    /** Adds up what is left within each quarter of the lanes. */
    private static FloatVector sumSmallGroups(FloatVector v) {
        FloatVector sum = v;
        if (LANES >= 8) {
            sum = sum.add(sum.rearrange(SWAP_EIGHTHS));
        }
        if (LANES >= 16) {
            sum = sum.add(sum.rearrange(SWAP_SIXTEENTHS));
        }
        return sum;
    }

    private static long bytes(long floats) {
        return floats * Float.BYTES;
    }

    private static FloatVector load(MemorySegment segment, long at) {
        return FloatVector.fromMemorySegment(SPECIES, segment, at, ORDER);
    }

    private static void store(FloatVector vector, MemorySegment segment, long at) {
        vector.intoMemorySegment(segment, at, ORDER);
    }

    private static FloatVector broadcast(MemorySegment segment, long at) {
        return FloatVector.broadcast(SPECIES, segment.get(JAVA_FLOAT_UNALIGNED, at));
    }

    private static float get(MemorySegment segment, long at) {
        return segment.get(JAVA_FLOAT_UNALIGNED, at);
    }
}
