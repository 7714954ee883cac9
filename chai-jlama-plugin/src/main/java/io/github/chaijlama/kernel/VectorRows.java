// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.foreign.MemorySegment;

import jdk.incubator.vector.FloatVector;

import static io.github.chaijlama.kernel.VectorFunctions.sumLanes;
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
 * Decoding with rows of 32-bit floats: one query row against many keys, one row of probabilities against many values. Memory is
 * read once, from beginning to end, which is what the machine's prefetchers follow: four rows side by side reach 12 to 15 GB/s
 * where row after row reaches 16 to 24 (two Zen 3 cores, 28 GB/s when nothing is computed). Adding to the output, which stays in
 * the first cache, costs less than that.
 */
final class VectorRows {

    private VectorRows() {}

    static void scores(MemorySegment scores, long scoresAt, MemorySegment query, long queryAt, MemorySegment keys,
            long keysAt, int numberOfKeys, int headSize, float scale) {
        long row = bytes(headSize);
        int blocks = numberOfKeys & ~3;
        for (int key = 0; key < blocks; key += 4) {
            scores4(scores, scoresAt + bytes(key), query, queryAt, keys, keysAt + key * row, headSize, scale);
        }
        for (int key = blocks; key < numberOfKeys; key++) {
            set(scores, scoresAt + bytes(key), scale * dot(query, queryAt, keys, keysAt + key * row, headSize));
        }
    }

    /** Four keys one after another, which is how they lie in memory; their sums across lanes are taken together. */
    private static void scores4(MemorySegment scores, long scoresAt, MemorySegment query, long queryAt,
            MemorySegment keys, long keysAt, int headSize, float scale) {
        long row = bytes(headSize);
        int pairs = headSize / (2 * LANES) * (2 * LANES);
        FloatVector x = zero();
        FloatVector y = x;
        for (int i = 0; i < pairs; i += 2 * LANES) {
            long k = keysAt + bytes(i);
            x = load(query, queryAt + bytes(i)).fma(load(keys, k), x);
            y = load(query, queryAt + bytes(i) + VECTOR_BYTES).fma(load(keys, k + VECTOR_BYTES), y);
            fence();
        }
        FloatVector a = x.add(y);
        x = zero();
        y = x;
        for (int i = 0; i < pairs; i += 2 * LANES) {
            long k = keysAt + row + bytes(i);
            x = load(query, queryAt + bytes(i)).fma(load(keys, k), x);
            y = load(query, queryAt + bytes(i) + VECTOR_BYTES).fma(load(keys, k + VECTOR_BYTES), y);
            fence();
        }
        FloatVector b = x.add(y);
        x = zero();
        y = x;
        for (int i = 0; i < pairs; i += 2 * LANES) {
            long k = keysAt + 2 * row + bytes(i);
            x = load(query, queryAt + bytes(i)).fma(load(keys, k), x);
            y = load(query, queryAt + bytes(i) + VECTOR_BYTES).fma(load(keys, k + VECTOR_BYTES), y);
            fence();
        }
        FloatVector c = x.add(y);
        x = zero();
        y = x;
        for (int i = 0; i < pairs; i += 2 * LANES) {
            long k = keysAt + 3 * row + bytes(i);
            x = load(query, queryAt + bytes(i)).fma(load(keys, k), x);
            y = load(query, queryAt + bytes(i) + VECTOR_BYTES).fma(load(keys, k + VECTOR_BYTES), y);
            fence();
        }
        FloatVector d = x.add(y);
        FloatVector sums = sumLanes(a, b, c, d);
        float sumA = sums.lane(0);
        float sumB = sums.lane(LANES / 2);
        float sumC = sums.lane(LANES / 4);
        float sumD = sums.lane(LANES / 2 + LANES / 4);
        for (int i = pairs; i < headSize; i++) {
            float q = get(query, queryAt + bytes(i));
            long k = keysAt + bytes(i);
            sumA += q * get(keys, k);
            sumB += q * get(keys, k + row);
            sumC += q * get(keys, k + 2 * row);
            sumD += q * get(keys, k + 3 * row);
        }
        set(scores, scoresAt, scale * sumA);
        set(scores, scoresAt + 4, scale * sumB);
        set(scores, scoresAt + 8, scale * sumC);
        set(scores, scoresAt + 12, scale * sumD);
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
        for (int value = 0; value < numberOfValues; value++) {
            weightedSum1(out, outAt, get(weights, weightsAt + bytes(value)), values, valuesAt + value * row, headSize);
        }
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
