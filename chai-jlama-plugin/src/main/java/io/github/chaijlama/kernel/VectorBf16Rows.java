// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.foreign.MemorySegment;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

import static io.github.chaijlama.kernel.VectorFunctions.sumLanes;
import static io.github.chaijlama.kernel.VectorMemory.INTS;
import static io.github.chaijlama.kernel.VectorMemory.LANES;
import static io.github.chaijlama.kernel.VectorMemory.ORDER;
import static io.github.chaijlama.kernel.VectorMemory.PLACES;
import static io.github.chaijlama.kernel.VectorMemory.SPECIES;
import static io.github.chaijlama.kernel.VectorMemory.VECTOR_BYTES;
import static io.github.chaijlama.kernel.VectorMemory.broadcast;
import static io.github.chaijlama.kernel.VectorMemory.bytes;
import static io.github.chaijlama.kernel.VectorMemory.fence;
import static io.github.chaijlama.kernel.VectorMemory.get;
import static io.github.chaijlama.kernel.VectorMemory.getShort;
import static io.github.chaijlama.kernel.VectorMemory.load;
import static io.github.chaijlama.kernel.VectorMemory.loadInts;
import static io.github.chaijlama.kernel.VectorMemory.memory;
import static io.github.chaijlama.kernel.VectorMemory.set;
import static io.github.chaijlama.kernel.VectorMemory.setShort;
import static io.github.chaijlama.kernel.VectorMemory.store;
import static io.github.chaijlama.kernel.VectorMemory.zero;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

/**
 * Rows of bfloat16. Two vectors of floats share one vector of ints, the first in the lower halves of its lanes and the
 * second in the upper, so that a shift and a mask give them back and nothing moves between lanes. What fills no such
 * pair lies behind as ordinary 16-bit values.
 */
final class VectorBf16Rows {
    private static final int PAIR = 2 * LANES;
    private static final int UPPER = 0xFFFF0000;
    private static final int CHUNK = VectorRows.CHUNK;

    private VectorBf16Rows() {}

    private static int paired(int headSize) {
        return headSize / PAIR * PAIR;
    }

    private static long at(long rowAt, int i) {
        return rowAt + (long) i * Short.BYTES;
    }

    private static FloatVector lower(IntVector pair) {
        return pair.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
    }

    private static FloatVector upper(IntVector pair) {
        return pair.and(UPPER).reinterpretAsFloats();
    }

    private static float toFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    static void storeRow(MemorySegment rows, long rowAt, MemorySegment in, long inAt, int headSize) {
        int pairs = paired(headSize);
        for (int i = 0; i < pairs; i += PAIR) {
            IntVector low = rounded(load(in, inAt + bytes(i))).lanewise(VectorOperators.LSHR, 16);
            IntVector high = rounded(load(in, inAt + bytes(i) + VECTOR_BYTES)).and(UPPER);
            store(low.or(high), rows, at(rowAt, i));
        }
        for (int i = pairs; i < headSize; i++) {
            setShort(rows, at(rowAt, i), ScalarKernels.toBf16(get(in, inAt + bytes(i))));
        }
    }

    /** Rounds to the nearest even in the upper half; what is not a number stays one. */
    private static IntVector rounded(FloatVector x) {
        IntVector bits = x.reinterpretAsInts();
        IntVector up = bits.lanewise(VectorOperators.LSHR, 16).and(1).add(0x7FFF);
        VectorMask<Integer> nan = x.test(VectorOperators.IS_NAN).cast(INTS);
        return bits.add(up).blend(bits.or(0x00400000), nan);
    }

    static void loadRow(MemorySegment out, long outAt, MemorySegment rows, long rowAt, int headSize) {
        int pairs = paired(headSize);
        for (int i = 0; i < pairs; i += PAIR) {
            IntVector pair = loadInts(rows, at(rowAt, i));
            store(lower(pair), out, outAt + bytes(i));
            store(upper(pair), out, outAt + bytes(i) + VECTOR_BYTES);
        }
        for (int i = pairs; i < headSize; i++) {
            set(out, outAt + bytes(i), toFloat(getShort(rows, at(rowAt, i))));
        }
    }

    static void scores(MemorySegment scores, long scoresAt, MemorySegment query, long queryAt, MemorySegment keys,
            long keysAt, int numberOfKeys, int headSize, float scale) {
        long row = (long) headSize * Short.BYTES;
        int blocks = numberOfKeys & ~3;
        scoresOfBlocks(scores, scoresAt, query, queryAt, keys, keysAt, blocks, headSize, scale);
        if (paired(headSize) < headSize) {
            for (int key = 0; key < blocks; key++) {
                set(scores, scoresAt + bytes(key), get(scores, scoresAt + bytes(key))
                        + scale * dotOfRest(query, queryAt, keys, keysAt + key * row, headSize));
            }
        }
        for (int key = blocks; key < numberOfKeys; key++) {
            set(scores, scoresAt + bytes(key), scale * dot(query, queryAt, keys, keysAt + key * row, headSize));
        }
    }

    /** The pairs of four keys side by side, so that what is loaded of the query serves all of them. */
    private static void scoresOfBlocks(MemorySegment scores, long scoresAt, MemorySegment query, long queryAt,
            MemorySegment keys, long keysAt, int numberOfKeys, int headSize, float scale) {
        MemorySegment s = memory(scores);
        MemorySegment q = memory(query);
        MemorySegment k = memory(keys);
        long row = (long) headSize * Short.BYTES;
        for (int i = 0; i < numberOfKeys; i += 4) {
            FloatVector a = zero();
            FloatVector b = a;
            FloatVector c = a;
            FloatVector d = a;
            long at = queryAt;
            long first = keysAt + i * row;
            long end = at(first, paired(headSize));
            for (long key = first; key != end; key += VECTOR_BYTES) {
                FloatVector low = FloatVector.fromMemorySegment(SPECIES, q, at & PLACES, ORDER);
                FloatVector high = FloatVector.fromMemorySegment(SPECIES, q, (at & PLACES) + VECTOR_BYTES, ORDER);
                IntVector pair = IntVector.fromMemorySegment(INTS, k, key & PLACES, ORDER);
                a = low.fma(lower(pair), high.fma(upper(pair), a));
                pair = IntVector.fromMemorySegment(INTS, k, key + row & PLACES, ORDER);
                b = low.fma(lower(pair), high.fma(upper(pair), b));
                pair = IntVector.fromMemorySegment(INTS, k, key + 2 * row & PLACES, ORDER);
                c = low.fma(lower(pair), high.fma(upper(pair), c));
                pair = IntVector.fromMemorySegment(INTS, k, key + 3 * row & PLACES, ORDER);
                d = low.fma(lower(pair), high.fma(upper(pair), d));
                at += 2 * VECTOR_BYTES;
            }
            sumLanes(a, b, c, d).mul(scale).reinterpretShape(FloatVector.SPECIES_128, 0).reinterpretAsFloats()
                    .intoMemorySegment(s, scoresAt + bytes(i) & PLACES, ORDER);
        }
    }

    private static float dot(MemorySegment query, long queryAt, MemorySegment keys, long keyAt, int headSize) {
        FloatVector sum = zero();
        int pairs = paired(headSize);
        for (int i = 0; i < pairs; i += PAIR) {
            IntVector pair = loadInts(keys, at(keyAt, i));
            sum = load(query, queryAt + bytes(i) + VECTOR_BYTES).fma(upper(pair), sum);
            sum = load(query, queryAt + bytes(i)).fma(lower(pair), sum);
        }
        return sumLanes(sum) + dotOfRest(query, queryAt, keys, keyAt, headSize);
    }

    /** Products of what fills no pair. */
    private static float dotOfRest(MemorySegment query, long queryAt, MemorySegment keys, long keyAt, int headSize) {
        float sum = 0;
        for (int i = paired(headSize); i < headSize; i++) {
            sum += get(query, queryAt + bytes(i)) * toFloat(getShort(keys, at(keyAt, i)));
        }
        return sum;
    }

    static void weightedSum(MemorySegment out, long outAt, MemorySegment weights, long weightsAt, MemorySegment values,
            long valuesAt, int numberOfValues, int headSize) {
        long row = (long) headSize * Short.BYTES;
        int whole = headSize / CHUNK * CHUNK;
        for (int i = 0; i < whole; i += CHUNK) {
            weightedSumOfChunk(out, outAt + bytes(i), weights, weightsAt, values, at(valuesAt, i), numberOfValues, row);
        }
        if (whole == headSize) {
            return;
        }
        int blocks = numberOfValues & ~3;
        for (int value = 0; value < blocks; value += 4) {
            weightedSum4(out, outAt, weights, weightsAt + bytes(value), values, valuesAt + value * row, whole,
                    headSize);
        }
        for (int value = blocks; value < numberOfValues; value++) {
            weightedSum1(out, outAt, get(weights, weightsAt + bytes(value)), values, valuesAt + value * row, whole,
                    headSize);
        }
    }

    /** A part of each row that registers hold the sum of. */
    private static void weightedSumOfChunk(MemorySegment out, long outAt, MemorySegment weights, long weightsAt,
            MemorySegment values, long valuesAt, int numberOfValues, long row) {
        MemorySegment o = memory(out);
        MemorySegment w = memory(weights);
        MemorySegment v = memory(values);
        long sum = outAt & PLACES;
        FloatVector a = FloatVector.fromMemorySegment(SPECIES, o, sum, ORDER);
        FloatVector b = FloatVector.fromMemorySegment(SPECIES, o, sum + VECTOR_BYTES, ORDER);
        FloatVector c = FloatVector.fromMemorySegment(SPECIES, o, sum + 2 * VECTOR_BYTES, ORDER);
        FloatVector d = FloatVector.fromMemorySegment(SPECIES, o, sum + 3 * VECTOR_BYTES, ORDER);
        FloatVector e = FloatVector.fromMemorySegment(SPECIES, o, sum + 4 * VECTOR_BYTES, ORDER);
        FloatVector f = FloatVector.fromMemorySegment(SPECIES, o, sum + 5 * VECTOR_BYTES, ORDER);
        FloatVector g = FloatVector.fromMemorySegment(SPECIES, o, sum + 6 * VECTOR_BYTES, ORDER);
        FloatVector h = FloatVector.fromMemorySegment(SPECIES, o, sum + 7 * VECTOR_BYTES, ORDER);
        long value = valuesAt;
        long end = weightsAt + bytes(numberOfValues);
        for (long at = weightsAt; at != end; at += Float.BYTES) {
            FloatVector weight = FloatVector.broadcast(SPECIES, w.get(JAVA_FLOAT_UNALIGNED, at & PLACES));
            IntVector pair = IntVector.fromMemorySegment(INTS, v, value & PLACES, ORDER);
            a = weight.fma(lower(pair), a);
            b = weight.fma(upper(pair), b);
            pair = IntVector.fromMemorySegment(INTS, v, (value & PLACES) + VECTOR_BYTES, ORDER);
            c = weight.fma(lower(pair), c);
            d = weight.fma(upper(pair), d);
            pair = IntVector.fromMemorySegment(INTS, v, (value & PLACES) + 2 * VECTOR_BYTES, ORDER);
            e = weight.fma(lower(pair), e);
            f = weight.fma(upper(pair), f);
            pair = IntVector.fromMemorySegment(INTS, v, (value & PLACES) + 3 * VECTOR_BYTES, ORDER);
            g = weight.fma(lower(pair), g);
            h = weight.fma(upper(pair), h);
            value += row;
        }
        a.intoMemorySegment(o, sum, ORDER);
        b.intoMemorySegment(o, sum + VECTOR_BYTES, ORDER);
        c.intoMemorySegment(o, sum + 2 * VECTOR_BYTES, ORDER);
        d.intoMemorySegment(o, sum + 3 * VECTOR_BYTES, ORDER);
        e.intoMemorySegment(o, sum + 4 * VECTOR_BYTES, ORDER);
        f.intoMemorySegment(o, sum + 5 * VECTOR_BYTES, ORDER);
        g.intoMemorySegment(o, sum + 6 * VECTOR_BYTES, ORDER);
        h.intoMemorySegment(o, sum + 7 * VECTOR_BYTES, ORDER);
    }

    private static void weightedSum4(MemorySegment out, long outAt, MemorySegment weights, long weightsAt,
            MemorySegment values, long valuesAt, int from, int headSize) {
        long row = (long) headSize * Short.BYTES;
        float weightA = get(weights, weightsAt);
        float weightB = get(weights, weightsAt + 4);
        float weightC = get(weights, weightsAt + 8);
        float weightD = get(weights, weightsAt + 12);
        FloatVector a = broadcast(weightA);
        FloatVector b = broadcast(weightB);
        FloatVector c = broadcast(weightC);
        FloatVector d = broadcast(weightD);
        int pairs = paired(headSize);
        for (int i = from; i < pairs; i += PAIR) {
            long at = outAt + bytes(i);
            long v = at(valuesAt, i);
            FloatVector x = load(out, at);
            FloatVector y = load(out, at + VECTOR_BYTES);
            IntVector pair = loadInts(values, v);
            x = a.fma(lower(pair), x);
            y = a.fma(upper(pair), y);
            pair = loadInts(values, v + row);
            x = b.fma(lower(pair), x);
            y = b.fma(upper(pair), y);
            pair = loadInts(values, v + 2 * row);
            x = c.fma(lower(pair), x);
            y = c.fma(upper(pair), y);
            pair = loadInts(values, v + 3 * row);
            x = d.fma(lower(pair), x);
            y = d.fma(upper(pair), y);
            store(x, out, at);
            store(y, out, at + VECTOR_BYTES);
            fence();
        }
        for (int i = pairs; i < headSize; i++) {
            long v = at(valuesAt, i);
            float sum = get(out, outAt + bytes(i));
            sum += weightA * toFloat(getShort(values, v));
            sum += weightB * toFloat(getShort(values, v + row));
            sum += weightC * toFloat(getShort(values, v + 2 * row));
            sum += weightD * toFloat(getShort(values, v + 3 * row));
            set(out, outAt + bytes(i), sum);
        }
    }

    private static void weightedSum1(MemorySegment out, long outAt, float weight, MemorySegment values, long valueAt,
            int from, int headSize) {
        FloatVector w = broadcast(weight);
        int pairs = paired(headSize);
        for (int i = from; i < pairs; i += PAIR) {
            long at = outAt + bytes(i);
            IntVector pair = loadInts(values, at(valueAt, i));
            store(w.fma(lower(pair), load(out, at)), out, at);
            store(w.fma(upper(pair), load(out, at + VECTOR_BYTES)), out, at + VECTOR_BYTES);
        }
        for (int i = pairs; i < headSize; i++) {
            long at = outAt + bytes(i);
            set(out, at, get(out, at) + weight * toFloat(getShort(values, at(valueAt, i))));
        }
    }
}
