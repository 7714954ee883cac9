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
 * Decoding with rows of 32-bit floats: one query row against many keys, one row of probabilities against many values. Both
 * read memory once, four rows at a time from beginning to end, which is what the machine's prefetchers follow.
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

    /** Four keys at once, so that each part of the query is loaded once for four products. */
    private static void scores4(MemorySegment scores, long scoresAt, MemorySegment query, long queryAt,
            MemorySegment keys, long keysAt, int headSize, float scale) {
        long row = bytes(headSize);
        FloatVector a = zero();
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
            fence();
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
        int blocks = numberOfValues & ~3;
        for (int value = 0; value < blocks; value += 4) {
            weightedSum4(out, outAt, weights, weightsAt + bytes(value), values, valuesAt + value * row, headSize);
        }
        for (int value = blocks; value < numberOfValues; value++) {
            weightedSum1(out, outAt, get(weights, weightsAt + bytes(value)), values, valuesAt + value * row, headSize);
        }
    }

    /** The output stays in the first cache, so adding to it costs little beside reading four rows from memory. */
    private static void weightedSum4(MemorySegment out, long outAt, MemorySegment weights, long weightsAt,
            MemorySegment values, long valuesAt, int headSize) {
        long row = bytes(headSize);
        float weightA = get(weights, weightsAt);
        float weightB = get(weights, weightsAt + 4);
        float weightC = get(weights, weightsAt + 8);
        float weightD = get(weights, weightsAt + 12);
        FloatVector a = broadcast(weightA);
        FloatVector b = broadcast(weightB);
        FloatVector c = broadcast(weightC);
        FloatVector d = broadcast(weightD);
        int pairs = headSize / (2 * LANES) * (2 * LANES);
        for (int i = 0; i < pairs; i += 2 * LANES) {
            long at = outAt + bytes(i);
            long v = valuesAt + bytes(i);
            FloatVector x = load(out, at);
            FloatVector y = load(out, at + VECTOR_BYTES);
            x = a.fma(load(values, v), x);
            y = a.fma(load(values, v + VECTOR_BYTES), y);
            x = b.fma(load(values, v + row), x);
            y = b.fma(load(values, v + row + VECTOR_BYTES), y);
            x = c.fma(load(values, v + 2 * row), x);
            y = c.fma(load(values, v + 2 * row + VECTOR_BYTES), y);
            x = d.fma(load(values, v + 3 * row), x);
            y = d.fma(load(values, v + 3 * row + VECTOR_BYTES), y);
            store(x, out, at);
            store(y, out, at + VECTOR_BYTES);
            fence();
        }
        for (int i = pairs; i < headSize; i++) {
            long v = valuesAt + bytes(i);
            float sum = get(out, outAt + bytes(i));
            sum += weightA * get(values, v);
            sum += weightB * get(values, v + row);
            sum += weightC * get(values, v + 2 * row);
            sum += weightD * get(values, v + 3 * row);
            set(out, outAt + bytes(i), sum);
        }
    }

    private static void weightedSum1(MemorySegment out, long outAt, float weight, MemorySegment values, long valuesAt,
            int headSize) {
        FloatVector w = broadcast(weight);
        int limit = SPECIES.loopBound(headSize);
        for (int i = 0; i < limit; i += LANES) {
            store(w.fma(load(values, valuesAt + bytes(i)), load(out, outAt + bytes(i))), out, outAt + bytes(i));
        }
        for (int i = limit; i < headSize; i++) {
            set(out, outAt + bytes(i), get(out, outAt + bytes(i)) + weight * get(values, valuesAt + bytes(i)));
        }
    }
}
