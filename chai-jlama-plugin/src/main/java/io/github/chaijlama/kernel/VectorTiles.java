// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.foreign.MemorySegment;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

import static io.github.chaijlama.kernel.VectorFunctions.exp;
import static io.github.chaijlama.kernel.VectorFunctions.softCapped;
import static io.github.chaijlama.kernel.VectorMemory.LANES;
import static io.github.chaijlama.kernel.VectorMemory.SPECIES;
import static io.github.chaijlama.kernel.VectorMemory.VECTOR_BYTES;
import static io.github.chaijlama.kernel.VectorMemory.broadcast;
import static io.github.chaijlama.kernel.VectorMemory.bytes;
import static io.github.chaijlama.kernel.VectorMemory.fence;
import static io.github.chaijlama.kernel.VectorMemory.get;
import static io.github.chaijlama.kernel.VectorMemory.load;
import static io.github.chaijlama.kernel.VectorMemory.set;
import static io.github.chaijlama.kernel.VectorMemory.store;
import static io.github.chaijlama.kernel.VectorMemory.zero;

/**
 * Prefill: a tile of query rows in the lanes. Scores and sums work on blocks of 4 by 2 vectors: 8 accumulators are what
 * two FMA units of four cycles latency need to stay busy, and with the operands they fit into 16 registers.
 */
final class VectorTiles {
    static final int TILE_ROWS = 2 * LANES;
    static final long TILE_BYTES = (long) TILE_ROWS * Float.BYTES;
    /** 0, 1, 2, ... in the lanes. */
    private static final FloatVector LANE_INDEX = zero().addIndex(1);

    private VectorTiles() {}

    static void transpose(MemorySegment tile, long tileAt, MemorySegment rows, long rowsAt, long rowStride,
            int numberOfRows, int headSize) {
        for (int row = 0; row < TILE_ROWS; row++) {
            long in = rowsAt + bytes(row * rowStride);
            long out = tileAt + bytes(row);
            for (int i = 0; i < headSize; i++) {
                set(tile, out + i * TILE_BYTES, row < numberOfRows ? get(rows, in + bytes(i)) : 0);
            }
        }
    }

    static void scores(float[] scores, int scoresAt, MemorySegment queries, long queriesAt, MemorySegment keys,
            long keysAt, int numberOfKeys, int headSize, float scale) {
        int blocks = numberOfKeys & ~3;
        for (int key = 0; key < blocks; key += 4) {
            scores4(scores, scoresAt + key * TILE_ROWS, queries, queriesAt, keys,
                    keysAt + bytes((long) key * headSize), headSize, scale);
        }
        for (int key = blocks; key < numberOfKeys; key++) {
            FloatVector a = zero();
            FloatVector b = a;
            long keyAt = keysAt + bytes((long) key * headSize);
            for (int i = 0; i < headSize; i++) {
                long at = queriesAt + i * TILE_BYTES;
                FloatVector k = broadcast(keys, keyAt + bytes(i));
                a = k.fma(load(queries, at), a);
                b = k.fma(load(queries, at + VECTOR_BYTES), b);
            }
            a.mul(scale).intoArray(scores, scoresAt + key * TILE_ROWS);
            b.mul(scale).intoArray(scores, scoresAt + key * TILE_ROWS + LANES);
        }
    }

    private static void scores4(float[] scores, int scoresAt, MemorySegment queries, long queriesAt,
            MemorySegment keys, long keysAt, int headSize, float scale) {
        FloatVector a0 = zero();
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
            fence();
        }
        a0.mul(scale).intoArray(scores, scoresAt);
        a1.mul(scale).intoArray(scores, scoresAt + LANES);
        b0.mul(scale).intoArray(scores, scoresAt + TILE_ROWS);
        b1.mul(scale).intoArray(scores, scoresAt + TILE_ROWS + LANES);
        c0.mul(scale).intoArray(scores, scoresAt + 2 * TILE_ROWS);
        c1.mul(scale).intoArray(scores, scoresAt + 2 * TILE_ROWS + LANES);
        d0.mul(scale).intoArray(scores, scoresAt + 3 * TILE_ROWS);
        d1.mul(scale).intoArray(scores, scoresAt + 3 * TILE_ROWS + LANES);
    }

    static void softCap(float[] scores, int offset, int length, float cap) {
        for (int i = offset; i < offset + length; i += LANES) {
            softCapped(FloatVector.fromArray(SPECIES, scores, i), cap).intoArray(scores, i);
            fence();
        }
    }

    static void softmax(float[] scores, int scoresAt, float[] state, int stateAt, int numberOfKeys, int visible) {
        for (int lane = 0; lane < TILE_ROWS; lane += LANES) {
            softmaxLanes(scores, scoresAt + lane, state, stateAt + lane, numberOfKeys, visible + lane);
        }
    }

    /**
     * One vector of rows; lane {@code r} sees the first {@code visible + r} keys. Maxima and sums pass through
     * {@code state}: in one method all this is more than C2 inlines.
     */
    private static void softmaxLanes(float[] scores, int scoresAt, float[] state, int stateAt, int numberOfKeys,
            int visible) {
        int full = Math.clamp(visible, 0, numberOfKeys);
        raiseMaxima(scores, scoresAt, state, stateAt, numberOfKeys, full, visible);
        exponentials(scores, scoresAt, state, stateAt, full);
        if (full < numberOfKeys) {
            exponentialsOfSeen(scores, scoresAt, state, stateAt, numberOfKeys, full, visible);
        }
    }

    private static void raiseMaxima(float[] scores, int scoresAt, float[] state, int stateAt, int numberOfKeys,
            int full, int visible) {
        FloatVector oldMax = FloatVector.fromArray(SPECIES, state, stateAt);
        FloatVector max = oldMax;
        for (int key = 0; key < full; key++) {
            max = max.max(FloatVector.fromArray(SPECIES, scores, scoresAt + key * TILE_ROWS));
        }
        for (int key = full; key < numberOfKeys; key++) {
            FloatVector score = FloatVector.fromArray(SPECIES, scores, scoresAt + key * TILE_ROWS);
            max = max.blend(max.max(score), sees(key, visible));
        }
        FloatVector correction = exp(oldMax.sub(max));
        max.intoArray(state, stateAt);
        FloatVector.fromArray(SPECIES, state, stateAt + TILE_ROWS).mul(correction).intoArray(state,
                stateAt + TILE_ROWS);
        correction.intoArray(state, stateAt + 2 * TILE_ROWS);
    }

    /** Of keys that all lanes see. */
    private static void exponentials(float[] scores, int scoresAt, float[] state, int stateAt, int numberOfKeys) {
        FloatVector max = FloatVector.fromArray(SPECIES, state, stateAt);
        FloatVector sum = FloatVector.fromArray(SPECIES, state, stateAt + TILE_ROWS);
        for (int key = 0; key < numberOfKeys; key++) {
            int at = scoresAt + key * TILE_ROWS;
            FloatVector value = exp(FloatVector.fromArray(SPECIES, scores, at).sub(max));
            value.intoArray(scores, at);
            sum = sum.add(value);
            fence();
        }
        sum.intoArray(state, stateAt + TILE_ROWS);
    }

    /** Of keys that some lanes do not see: zero there. */
    private static void exponentialsOfSeen(float[] scores, int scoresAt, float[] state, int stateAt, int numberOfKeys,
            int firstKey, int visible) {
        FloatVector max = FloatVector.fromArray(SPECIES, state, stateAt);
        FloatVector sum = FloatVector.fromArray(SPECIES, state, stateAt + TILE_ROWS);
        for (int key = firstKey; key < numberOfKeys; key++) {
            int at = scoresAt + key * TILE_ROWS;
            FloatVector value = exp(FloatVector.fromArray(SPECIES, scores, at).sub(max));
            value = zero().blend(value, sees(key, visible));
            value.intoArray(scores, at);
            sum = sum.add(value);
        }
        sum.intoArray(state, stateAt + TILE_ROWS);
    }

    private static VectorMask<Float> sees(int key, int visible) {
        return LANE_INDEX.compare(VectorOperators.GT, (float) (key - visible));
    }

    static void weightedSum(MemorySegment out, long outAt, float[] corrections, int correctionsAt,
            float[] weights, int weightsAt, MemorySegment values, long valuesAt, int numberOfValues,
            int headSize) {
        long row = bytes(headSize);
        int pairs = headSize / (2 * LANES) * (2 * LANES);
        for (int i = 0; i < pairs; i += 2 * LANES) {
            for (int tileRow = 0; tileRow < TILE_ROWS; tileRow += 4) {
                weightedSum4(out, outAt + bytes(i) + tileRow * row, corrections, correctionsAt + tileRow,
                        weights,
                        weightsAt + tileRow, values, valuesAt + bytes(i), numberOfValues, row);
            }
        }
        for (int tileRow = 0; tileRow < TILE_ROWS && pairs < headSize; tileRow++) {
            weightedSumTail(out, outAt + tileRow * row, corrections[correctionsAt + tileRow], weights,
                    weightsAt + tileRow, values, valuesAt, numberOfValues, pairs, headSize);
        }
    }

    /** One row's values from {@code from} on: what fills no pair of vectors. */
    private static void weightedSumTail(MemorySegment out, long outAt, float correction, float[] weights,
            int weightsAt, MemorySegment values, long valuesAt, int numberOfValues, int from, int headSize) {
        long row = bytes(headSize);
        int limit = SPECIES.loopBound(headSize);
        for (int i = from; i < limit; i += LANES) {
            FloatVector sum = load(out, outAt + bytes(i)).mul(correction);
            for (int value = 0; value < numberOfValues; value++) {
                FloatVector weight = broadcast(weights[weightsAt + value * TILE_ROWS]);
                sum = weight.fma(load(values, valuesAt + bytes(i) + value * row), sum);
            }
            store(sum, out, outAt + bytes(i));
        }
        for (int i = limit; i < headSize; i++) {
            float sum = get(out, outAt + bytes(i)) * correction;
            for (int value = 0; value < numberOfValues; value++) {
                sum += weights[weightsAt + value * TILE_ROWS] * get(values, valuesAt + bytes(i) + value * row);
            }
            set(out, outAt + bytes(i), sum);
        }
    }

    private static void weightedSum4(MemorySegment out, long outAt, float[] corrections, int correctionsAt,
            float[] weights, int weightsAt, MemorySegment values, long valuesAt, int numberOfValues, long row) {
        FloatVector c = broadcast(corrections[correctionsAt]);
        FloatVector a0 = load(out, outAt).mul(c);
        FloatVector a1 = load(out, outAt + VECTOR_BYTES).mul(c);
        c = broadcast(corrections[correctionsAt + 1]);
        FloatVector b0 = load(out, outAt + row).mul(c);
        FloatVector b1 = load(out, outAt + row + VECTOR_BYTES).mul(c);
        c = broadcast(corrections[correctionsAt + 2]);
        FloatVector c0 = load(out, outAt + 2 * row).mul(c);
        FloatVector c1 = load(out, outAt + 2 * row + VECTOR_BYTES).mul(c);
        c = broadcast(corrections[correctionsAt + 3]);
        FloatVector d0 = load(out, outAt + 3 * row).mul(c);
        FloatVector d1 = load(out, outAt + 3 * row + VECTOR_BYTES).mul(c);
        for (int value = 0; value < numberOfValues; value++) {
            long valueAt = valuesAt + value * row;
            int weightAt = weightsAt + value * TILE_ROWS;
            FloatVector v0 = load(values, valueAt);
            FloatVector v1 = load(values, valueAt + VECTOR_BYTES);
            FloatVector w = broadcast(weights[weightAt]);
            a0 = w.fma(v0, a0);
            a1 = w.fma(v1, a1);
            w = broadcast(weights[weightAt + 1]);
            b0 = w.fma(v0, b0);
            b1 = w.fma(v1, b1);
            w = broadcast(weights[weightAt + 2]);
            c0 = w.fma(v0, c0);
            c1 = w.fma(v1, c1);
            w = broadcast(weights[weightAt + 3]);
            d0 = w.fma(v0, d0);
            d1 = w.fma(v1, d1);
            fence();
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

    static void normalize(MemorySegment rows, long rowsAt, long rowStride, MemorySegment tile, long tileAt,
            float[] sums, int sumsAt, int numberOfRows, int headSize) {
        int limit = SPECIES.loopBound(headSize);
        for (int row = 0; row < numberOfRows; row++) {
            float factor = 1 / sums[sumsAt + row];
            long in = tileAt + bytes((long) row * headSize);
            long out = rowsAt + bytes(row * rowStride);
            for (int i = 0; i < limit; i += LANES) {
                store(load(tile, in + bytes(i)).mul(factor), rows, out + bytes(i));
            }
            for (int i = limit; i < headSize; i++) {
                set(rows, out + bytes(i), get(tile, in + bytes(i)) * factor);
            }
        }
    }
}
