// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.foreign.MemorySegment;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

import io.github.chaijlama.kv.KvType;

import static io.github.chaijlama.kernel.VectorFunctions.exp;
import static io.github.chaijlama.kernel.VectorFunctions.softCapped;
import static io.github.chaijlama.kernel.VectorFunctions.sumLanes;
import static io.github.chaijlama.kernel.VectorMemory.LANES;
import static io.github.chaijlama.kernel.VectorMemory.ORDER;
import static io.github.chaijlama.kernel.VectorMemory.PLACES;
import static io.github.chaijlama.kernel.VectorMemory.SPECIES;
import static io.github.chaijlama.kernel.VectorMemory.at;
import static io.github.chaijlama.kernel.VectorMemory.atFloat;
import static io.github.chaijlama.kernel.VectorMemory.broadcast;
import static io.github.chaijlama.kernel.VectorMemory.bytes;
import static io.github.chaijlama.kernel.VectorMemory.fence;
import static io.github.chaijlama.kernel.VectorMemory.get;
import static io.github.chaijlama.kernel.VectorMemory.load;
import static io.github.chaijlama.kernel.VectorMemory.memory;
import static io.github.chaijlama.kernel.VectorMemory.set;
import static io.github.chaijlama.kernel.VectorMemory.store;
import static io.github.chaijlama.kernel.VectorMemory.zero;

/**
 * {@link AttentionKernels} with the Vector API, the twin of {@link ScalarKernels}. What works on rows of keys and
 * values is in one class for each type of rows, what works on tiles in {@link VectorTiles}. Nothing here allocates.
 */
final class VectorKernels extends AttentionKernels {

    @Override
    public String description() {
        return "Vector API, " + SPECIES.vectorBitSize() + " bits";
    }

    @Override
    public int tileRows() {
        return VectorTiles.TILE_ROWS;
    }

    @Override
    void doStoreRow(KvType type, MemorySegment rows, long rowAt, MemorySegment in, long inOffset, int headSize) {
        switch (type) {
            case F32 -> MemorySegment.copy(in, bytes(inOffset), rows, rowAt, bytes(headSize));
            case BF16 -> VectorBf16Rows.storeRow(rows, at(rows, rowAt), in, atFloat(in, inOffset), headSize);
            case I8 -> VectorI8Rows.storeRow(rows, at(rows, rowAt), in, atFloat(in, inOffset), headSize);
        }
    }

    @Override
    void doLoadRows(MemorySegment out, long outOffset, KvType type, MemorySegment rows, long rowsAt, int numberOfRows,
            int headSize) {
        long from = at(rows, rowsAt);
        long to = atFloat(out, outOffset);
        switch (type) {
            case F32 ->
                MemorySegment.copy(rows, rowsAt, out, bytes(outOffset), bytes((long) numberOfRows * headSize));
            case BF16 -> {
                for (int row = 0; row < numberOfRows; row++) {
                    VectorBf16Rows.loadRow(out, to + bytes((long) row * headSize), rows,
                            from + (long) row * type.rowBytes(headSize), headSize);
                }
            }
            case I8 -> {
                for (int row = 0; row < numberOfRows; row++) {
                    VectorI8Rows.loadRow(out, to + bytes((long) row * headSize), rows,
                            from + (long) row * type.rowBytes(headSize), headSize);
                }
            }
        }
    }

    @Override
    void doScores(MemorySegment scores, long scoresOffset, MemorySegment query, long queryOffset, KvType type,
            MemorySegment keys, long keysAt, int numberOfKeys, int headSize, float scale) {
        long to = atFloat(scores, scoresOffset);
        long from = atFloat(query, queryOffset);
        switch (type) {
            case F32 -> VectorRows.scores(scores, to, query, from, keys, at(keys, keysAt), numberOfKeys, headSize,
                    scale);
            case BF16 -> VectorBf16Rows.scores(scores, to, query, from, keys, at(keys, keysAt), numberOfKeys, headSize,
                    scale);
            case I8 -> VectorI8Rows.scores(scores, to, query, from, keys, at(keys, keysAt), numberOfKeys, headSize,
                    scale);
        }
    }

    @Override
    void doWeightedSum(MemorySegment out, long outOffset, MemorySegment probabilities, long probabilitiesOffset,
            KvType type, MemorySegment values, long valuesAt, int numberOfValues, int headSize) {
        long to = atFloat(out, outOffset);
        long from = atFloat(probabilities, probabilitiesOffset);
        switch (type) {
            case F32 -> VectorRows.weightedSum(out, to, probabilities, from, values, at(values, valuesAt),
                    numberOfValues, headSize);
            case BF16 -> VectorBf16Rows.weightedSum(out, to, probabilities, from, values, at(values, valuesAt),
                    numberOfValues, headSize);
            case I8 -> VectorI8Rows.weightedSum(out, to, probabilities, from, values, at(values, valuesAt),
                    numberOfValues, headSize);
        }
    }

    @Override
    void doSoftCap(MemorySegment scores, long offset, int length, float cap) {
        long start = atFloat(scores, offset);
        int limit = SPECIES.loopBound(length);
        for (int i = 0; i < limit; i += LANES) {
            store(softCapped(load(scores, start + bytes(i)), cap), scores, start + bytes(i));
            fence();
        }
        for (int i = limit; i < length; i++) {
            set(scores, start + bytes(i), cap * (float) Math.tanh(get(scores, start + bytes(i)) / cap));
        }
    }

    /** Several passes over a row that lies in the first cache; in one method they are more than C2 inlines. */
    @Override
    void doSoftmax(MemorySegment scores, long offset, int length, float sink) {
        long start = atFloat(scores, offset);
        float max = Math.max(sink, max(scores, start, length));
        exponentials(scores, start, length, max);
        multiply(scores, start, length, 1 / (sum(scores, start, length) + (float) Math.exp(sink - max)));
    }

    private static float max(MemorySegment values, long start, int length) {
        int limit = SPECIES.loopBound(length);
        FloatVector maxima = broadcast(Float.NEGATIVE_INFINITY);
        for (int i = 0; i < limit; i += LANES) {
            maxima = maxima.max(load(values, start + bytes(i)));
        }
        float max = maxima.reduceLanes(VectorOperators.MAX);
        for (int i = limit; i < length; i++) {
            max = Math.max(max, get(values, start + bytes(i)));
        }
        return max;
    }

    /** Replaces each value by {@code exp(value - max)}. */
    private static void exponentials(MemorySegment values, long start, int length, float max) {
        MemorySegment v = memory(values);
        int limit = SPECIES.loopBound(length);
        for (int i = 0; i < limit; i += LANES) {
            long at = start + bytes(i) & PLACES;
            exp(FloatVector.fromMemorySegment(SPECIES, v, at, ORDER).sub(max)).intoMemorySegment(v, at, ORDER);
            fence();
        }
        for (int i = limit; i < length; i++) {
            set(values, start + bytes(i), (float) Math.exp(get(values, start + bytes(i)) - max));
        }
    }

    private static float sum(MemorySegment values, long start, int length) {
        int limit = SPECIES.loopBound(length);
        FloatVector sums = zero();
        for (int i = 0; i < limit; i += LANES) {
            sums = sums.add(load(values, start + bytes(i)));
        }
        float sum = sumLanes(sums);
        for (int i = limit; i < length; i++) {
            sum += get(values, start + bytes(i));
        }
        return sum;
    }

    private static void multiply(MemorySegment values, long start, int length, float factor) {
        int limit = SPECIES.loopBound(length);
        for (int i = 0; i < limit; i += LANES) {
            store(load(values, start + bytes(i)).mul(factor), values, start + bytes(i));
        }
        for (int i = limit; i < length; i++) {
            set(values, start + bytes(i), get(values, start + bytes(i)) * factor);
        }
    }

    @Override
    void doRotate(MemorySegment out, long outOffset, MemorySegment in, long inOffset, MemorySegment cosSin,
            long cosSinOffset, int headSize) {
        int half = headSize / 2;
        long halfBytes = bytes(half);
        long outAt = atFloat(out, outOffset);
        long inAt = atFloat(in, inOffset);
        long cosSinAt = atFloat(cosSin, cosSinOffset);
        int limit = SPECIES.loopBound(half);
        for (int i = 0; i < limit; i += LANES) {
            FloatVector cos = load(cosSin, cosSinAt + bytes(i));
            FloatVector sin = load(cosSin, cosSinAt + bytes(i) + halfBytes);
            FloatVector x = load(in, inAt + bytes(i));
            FloatVector y = load(in, inAt + bytes(i) + halfBytes);
            store(x.mul(cos).sub(y.mul(sin)), out, outAt + bytes(i));
            store(x.mul(sin).add(y.mul(cos)), out, outAt + bytes(i) + halfBytes);
        }
        for (int i = limit; i < half; i++) {
            float cos = get(cosSin, cosSinAt + bytes(i));
            float sin = get(cosSin, cosSinAt + bytes(i) + halfBytes);
            float x = get(in, inAt + bytes(i));
            float y = get(in, inAt + bytes(i) + halfBytes);
            set(out, outAt + bytes(i), x * cos - y * sin);
            set(out, outAt + bytes(i) + halfBytes, x * sin + y * cos);
        }
    }

    @Override
    void doTransposeTile(MemorySegment tile, long tileOffset, MemorySegment rows, long rowsOffset, long rowStride,
            int numberOfRows, int headSize) {
        VectorTiles.transpose(tile, atFloat(tile, tileOffset), rows, atFloat(rows, rowsOffset), rowStride, numberOfRows,
                headSize);
    }

    @Override
    void doSoftCapTile(float[] scores, int offset, int length, float cap) {
        VectorTiles.softCap(scores, offset, length, cap);
    }

    @Override
    void doScoresTile(float[] scores, int scoresOffset, MemorySegment queries, long queriesOffset, MemorySegment keys,
            long keysOffset, int numberOfKeys, int headSize, float scale) {
        VectorTiles.scores(scores, scoresOffset, queries, atFloat(queries, queriesOffset), keys,
                atFloat(keys, keysOffset), numberOfKeys, headSize, scale);
    }

    @Override
    void doSoftmaxTile(float[] scores, int scoresOffset, float[] state, int stateOffset, int numberOfKeys,
            int visible) {
        VectorTiles.softmax(scores, scoresOffset, state, stateOffset, numberOfKeys, visible);
    }

    @Override
    void doWeightedSumTile(MemorySegment out, long outOffset, float[] state, int stateOffset, float[] probabilities,
            int probabilitiesOffset, MemorySegment values, long valuesOffset, int numberOfValues, int headSize) {
        VectorTiles.weightedSum(out, atFloat(out, outOffset), state, stateOffset + 2 * tileRows(), probabilities,
                probabilitiesOffset, values, atFloat(values, valuesOffset), numberOfValues, headSize);
    }

    @Override
    void doNormalizeTile(MemorySegment rows, long rowsOffset, long rowStride, MemorySegment tile, long tileOffset,
            float[] state, int stateOffset, int numberOfRows, int headSize) {
        VectorTiles.normalize(rows, atFloat(rows, rowsOffset), rowStride, tile, atFloat(tile, tileOffset), state,
                stateOffset + tileRows(), numberOfRows, headSize);
    }
}
