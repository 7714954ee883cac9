// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.foreign.MemorySegment;

import jdk.incubator.vector.FloatVector;

import static io.github.chaijlama.kernel.VectorFunctions.sumLanes;
import static io.github.chaijlama.kernel.VectorMemory.LANES;
import static io.github.chaijlama.kernel.VectorMemory.ORDER;
import static io.github.chaijlama.kernel.VectorMemory.PLACES;
import static io.github.chaijlama.kernel.VectorMemory.SPECIES;
import static io.github.chaijlama.kernel.VectorMemory.VECTOR_BYTES;
import static io.github.chaijlama.kernel.VectorMemory.broadcast;
import static io.github.chaijlama.kernel.VectorMemory.bytes;
import static io.github.chaijlama.kernel.VectorMemory.fence;
import static io.github.chaijlama.kernel.VectorMemory.get;
import static io.github.chaijlama.kernel.VectorMemory.load;
import static io.github.chaijlama.kernel.VectorMemory.memory;
import static io.github.chaijlama.kernel.VectorMemory.set;
import static io.github.chaijlama.kernel.VectorMemory.store;
import static io.github.chaijlama.kernel.VectorMemory.zero;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;

/**
 * Decoding with rows of 32-bit floats: one query row against many keys, one row of probabilities against many values.
 * Memory is read once, from beginning to end, which is what the machine's prefetchers follow: keys one after another
 * come at 22 GB/s, four of them side by side at 16, though that is faster from the first cache (two Zen 3 cores; 24
 * when nothing is computed).
 */
final class VectorRows {
    /** Floats of an iteration of the scores. */
    private static final int STEP = 4 * LANES;
    private static final long STEP_BYTES = 4 * VECTOR_BYTES;
    /** Floats whose sums registers hold. */
    static final int CHUNK = 8 * LANES;

    private VectorRows() {}

    static void scores(MemorySegment scores, long scoresAt, MemorySegment query, long queryAt, MemorySegment keys,
            long keysAt, int numberOfKeys, int headSize, float scale) {
        long row = bytes(headSize);
        int blocks = numberOfKeys & ~3;
        scoresOfBlocks(scores, scoresAt, query, queryAt, keys, keysAt, blocks, headSize, scale);
        int whole = headSize / STEP * STEP;
        if (whole < headSize) {
            for (int key = 0; key < blocks; key++) {
                float rest = dot(query, queryAt + bytes(whole), keys, keysAt + key * row + bytes(whole),
                        headSize - whole);
                set(scores, scoresAt + bytes(key), get(scores, scoresAt + bytes(key)) + scale * rest);
            }
        }
        for (int key = blocks; key < numberOfKeys; key++) {
            set(scores, scoresAt + bytes(key), scale * dot(query, queryAt, keys, keysAt + key * row, headSize));
        }
    }

    /** Key after key, which is how they lie in memory; of four at a time the sums across lanes are taken together. */
    private static void scoresOfBlocks(MemorySegment scores, long scoresAt, MemorySegment query, long queryAt,
            MemorySegment keys, long keysAt, int numberOfKeys, int headSize, float scale) {
        MemorySegment s = memory(scores);
        MemorySegment q = memory(query);
        MemorySegment k = memory(keys);
        long whole = bytes((long) (headSize / STEP) * STEP);
        FloatVector a = zero();
        FloatVector b = a;
        FloatVector c = a;
        FloatVector d = a;
        for (int i = 0; i < numberOfKeys; i++) {
            FloatVector x = zero();
            FloatVector y = x;
            long at = queryAt;
            long first = keysAt + bytes((long) i * headSize);
            long end = first + whole;
            for (long key = first; key != end; key += STEP_BYTES) {
                x = fromMemorySegment(SPECIES, q, at & PLACES, ORDER)
                        .fma(fromMemorySegment(SPECIES, k, key & PLACES, ORDER), x);
                y = fromMemorySegment(SPECIES, q, (at & PLACES) + VECTOR_BYTES, ORDER)
                        .fma(fromMemorySegment(SPECIES, k, (key & PLACES) + VECTOR_BYTES, ORDER), y);
                x = fromMemorySegment(SPECIES, q, (at & PLACES) + 2 * VECTOR_BYTES, ORDER)
                        .fma(fromMemorySegment(SPECIES, k, (key & PLACES) + 2 * VECTOR_BYTES, ORDER), x);
                y = fromMemorySegment(SPECIES, q, (at & PLACES) + 3 * VECTOR_BYTES, ORDER)
                        .fma(fromMemorySegment(SPECIES, k, (key & PLACES) + 3 * VECTOR_BYTES, ORDER), y);
                at += STEP_BYTES;
            }
            a = b;
            b = c;
            c = d;
            d = x.add(y);
            if ((i & 3) == 3) {
                sumLanes(a, b, c, d).mul(scale).reinterpretShape(FloatVector.SPECIES_128, 0).reinterpretAsFloats()
                        .intoMemorySegment(s, scoresAt + bytes(i - 3) & PLACES, ORDER);
            }
        }
    }

    private static float dot(MemorySegment x, long xAt, MemorySegment y, long yAt, int length) {
        FloatVector sum = zero();
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

    static void weightedSum(MemorySegment out, long outAt, MemorySegment weights, long weightsAt, MemorySegment values,
            long valuesAt, int numberOfValues, int headSize) {
        long row = bytes(headSize);
        int whole = headSize / CHUNK * CHUNK;
        for (int i = 0; i < whole; i += CHUNK) {
            weightedSumOfChunk(out, outAt + bytes(i), weights, weightsAt, values, valuesAt + bytes(i), numberOfValues,
                    row);
        }
        if (whole < headSize) {
            for (int value = 0; value < numberOfValues; value++) {
                weightedSum1(out, outAt + bytes(whole), get(weights, weightsAt + bytes(value)), values,
                        valuesAt + value * row + bytes(whole), headSize - whole);
            }
        }
    }

    /** A part of each row that registers hold the sum of. */
    private static void weightedSumOfChunk(MemorySegment out, long outAt, MemorySegment weights, long weightsAt,
            MemorySegment values, long valuesAt, int numberOfValues, long row) {
        MemorySegment o = memory(out);
        MemorySegment w = memory(weights);
        MemorySegment v = memory(values);
        long sum = outAt & PLACES;
        FloatVector a = fromMemorySegment(SPECIES, o, sum, ORDER);
        FloatVector b = fromMemorySegment(SPECIES, o, sum + VECTOR_BYTES, ORDER);
        FloatVector c = fromMemorySegment(SPECIES, o, sum + 2 * VECTOR_BYTES, ORDER);
        FloatVector d = fromMemorySegment(SPECIES, o, sum + 3 * VECTOR_BYTES, ORDER);
        FloatVector e = fromMemorySegment(SPECIES, o, sum + 4 * VECTOR_BYTES, ORDER);
        FloatVector f = fromMemorySegment(SPECIES, o, sum + 5 * VECTOR_BYTES, ORDER);
        FloatVector g = fromMemorySegment(SPECIES, o, sum + 6 * VECTOR_BYTES, ORDER);
        FloatVector h = fromMemorySegment(SPECIES, o, sum + 7 * VECTOR_BYTES, ORDER);
        long value = valuesAt;
        long end = weightsAt + bytes(numberOfValues);
        for (long at = weightsAt; at != end; at += Float.BYTES) {
            FloatVector weight = FloatVector.broadcast(SPECIES, w.get(JAVA_FLOAT_UNALIGNED, at & PLACES));
            a = weight.fma(fromMemorySegment(SPECIES, v, (value & PLACES), ORDER), a);
            b = weight.fma(fromMemorySegment(SPECIES, v, (value & PLACES) + VECTOR_BYTES, ORDER), b);
            c = weight.fma(fromMemorySegment(SPECIES, v, (value & PLACES) + 2 * VECTOR_BYTES, ORDER), c);
            d = weight.fma(fromMemorySegment(SPECIES, v, (value & PLACES) + 3 * VECTOR_BYTES, ORDER), d);
            e = weight.fma(fromMemorySegment(SPECIES, v, (value & PLACES) + 4 * VECTOR_BYTES, ORDER), e);
            f = weight.fma(fromMemorySegment(SPECIES, v, (value & PLACES) + 5 * VECTOR_BYTES, ORDER), f);
            g = weight.fma(fromMemorySegment(SPECIES, v, (value & PLACES) + 6 * VECTOR_BYTES, ORDER), g);
            h = weight.fma(fromMemorySegment(SPECIES, v, (value & PLACES) + 7 * VECTOR_BYTES, ORDER), h);
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

    private static void weightedSum1(MemorySegment out, long outAt, float weight, MemorySegment values, long valuesAt,
            int headSize) {
        FloatVector w = broadcast(weight);
        int limit = SPECIES.loopBound(headSize);
        for (int i = 0; i < limit; i += LANES) {
            store(w.fma(load(values, valuesAt + bytes(i)), load(out, outAt + bytes(i))), out, outAt + bytes(i));
            fence();
        }
        for (int i = limit; i < headSize; i++) {
            set(out, outAt + bytes(i), get(out, outAt + bytes(i)) + weight * get(values, valuesAt + bytes(i)));
        }
    }
}
