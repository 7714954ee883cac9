// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.foreign.MemorySegment;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

/**
 * The formulas of {@link AttentionKernels} as plain loops: the specification the vector kernels are tested against, and
 * what runs where the Vector API cannot. Never optimised; its value is being obvious.
 */
final class ScalarKernels extends AttentionKernels {
    private static final int TILE_ROWS = 16;

    @Override
    public String description() {
        return "scalar";
    }

    @Override
    public int tileRows() {
        return TILE_ROWS;
    }

    @Override
    void doScores(MemorySegment scores, long scoresOffset, MemorySegment query, long queryOffset, MemorySegment keys,
            long keysOffset, int numberOfKeys, int headSize, float scale) {
        for (int key = 0; key < numberOfKeys; key++) {
            float sum = 0;
            for (int i = 0; i < headSize; i++) {
                sum += get(query, queryOffset + i) * get(keys, keysOffset + (long) key * headSize + i);
            }
            set(scores, scoresOffset + key, scale * sum);
        }
    }

    @Override
    void doSoftCap(MemorySegment scores, long offset, int length, float cap) {
        for (int i = 0; i < length; i++) {
            set(scores, offset + i, cap * (float) Math.tanh(get(scores, offset + i) / cap));
        }
    }

    @Override
    void doSoftmax(MemorySegment scores, long offset, int length) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < length; i++) {
            max = Math.max(max, get(scores, offset + i));
        }
        float sum = 0;
        for (int i = 0; i < length; i++) {
            float value = (float) Math.exp(get(scores, offset + i) - max);
            set(scores, offset + i, value);
            sum += value;
        }
        for (int i = 0; i < length; i++) {
            set(scores, offset + i, get(scores, offset + i) / sum);
        }
    }

    @Override
    void doWeightedSum(MemorySegment out, long outOffset, MemorySegment probabilities, long probabilitiesOffset,
            MemorySegment values, long valuesOffset, int numberOfValues, int headSize) {
        for (int i = 0; i < headSize; i++) {
            float sum = get(out, outOffset + i);
            for (int value = 0; value < numberOfValues; value++) {
                sum += get(probabilities, probabilitiesOffset + value)
                        * get(values, valuesOffset + (long) value * headSize + i);
            }
            set(out, outOffset + i, sum);
        }
    }

    @Override
    void doRotate(MemorySegment out, long outOffset, MemorySegment in, long inOffset, MemorySegment cosSin,
            long cosSinOffset, int headSize) {
        int half = headSize / 2;
        for (int i = 0; i < half; i++) {
            float cos = get(cosSin, cosSinOffset + i);
            float sin = get(cosSin, cosSinOffset + half + i);
            float x = get(in, inOffset + i);
            float y = get(in, inOffset + half + i);
            set(out, outOffset + i, x * cos - y * sin);
            set(out, outOffset + half + i, x * sin + y * cos);
        }
    }

    @Override
    void doTransposeTile(MemorySegment tile, long tileOffset, MemorySegment rows, long rowsOffset, long rowStride,
            int numberOfRows, int headSize) {
        for (int i = 0; i < headSize; i++) {
            for (int row = 0; row < TILE_ROWS; row++) {
                float value = row < numberOfRows ? get(rows, rowsOffset + row * rowStride + i) : 0;
                set(tile, tileOffset + (long) i * TILE_ROWS + row, value);
            }
        }
    }

    @Override
    void doScoresTile(MemorySegment scores, long scoresOffset, MemorySegment queries, long queriesOffset,
            MemorySegment keys, long keysOffset, int numberOfKeys, int headSize, float scale) {
        for (int key = 0; key < numberOfKeys; key++) {
            for (int row = 0; row < TILE_ROWS; row++) {
                float sum = 0;
                for (int i = 0; i < headSize; i++) {
                    sum += get(queries, queriesOffset + (long) i * TILE_ROWS + row)
                            * get(keys, keysOffset + (long) key * headSize + i);
                }
                set(scores, scoresOffset + (long) key * TILE_ROWS + row, scale * sum);
            }
        }
    }

    @Override
    void doSoftmaxTile(MemorySegment scores, long scoresOffset, MemorySegment state, long stateOffset,
            int numberOfKeys, int visible) {
        for (int row = 0; row < TILE_ROWS; row++) {
            int seen = Math.clamp((long) visible + row, 0, numberOfKeys);
            float oldMax = get(state, stateOffset + row);
            float max = oldMax;
            for (int key = 0; key < seen; key++) {
                max = Math.max(max, get(scores, scoresOffset + (long) key * TILE_ROWS + row));
            }
            float correction = oldMax == max ? 1 : (float) Math.exp(oldMax - max);
            float sum = get(state, stateOffset + TILE_ROWS + row) * correction;
            for (int key = 0; key < numberOfKeys; key++) {
                long at = scoresOffset + (long) key * TILE_ROWS + row;
                float value = key < seen ? (float) Math.exp(get(scores, at) - max) : 0;
                set(scores, at, value);
                sum += value;
            }
            set(state, stateOffset + row, max);
            set(state, stateOffset + TILE_ROWS + row, sum);
            set(state, stateOffset + 2 * TILE_ROWS + row, correction);
        }
    }

    @Override
    void doWeightedSumTile(MemorySegment out, long outOffset, MemorySegment corrections, long correctionsOffset,
            MemorySegment probabilities, long probabilitiesOffset, MemorySegment values, long valuesOffset,
            int numberOfValues, int headSize) {
        for (int row = 0; row < TILE_ROWS; row++) {
            for (int i = 0; i < headSize; i++) {
                long at = outOffset + (long) row * headSize + i;
                float sum = get(out, at) * get(corrections, correctionsOffset + row);
                for (int value = 0; value < numberOfValues; value++) {
                    sum += get(probabilities, probabilitiesOffset + (long) value * TILE_ROWS + row)
                            * get(values, valuesOffset + (long) value * headSize + i);
                }
                set(out, at, sum);
            }
        }
    }

    @Override
    void doNormalizeTile(MemorySegment rows, long rowsOffset, long rowStride, MemorySegment tile, long tileOffset,
            MemorySegment sums, long sumsOffset, int numberOfRows, int headSize) {
        for (int row = 0; row < numberOfRows; row++) {
            for (int i = 0; i < headSize; i++) {
                set(rows, rowsOffset + row * rowStride + i,
                        get(tile, tileOffset + (long) row * headSize + i) / get(sums, sumsOffset + row));
            }
        }
    }

    private static float get(MemorySegment segment, long index) {
        return segment.get(JAVA_FLOAT_UNALIGNED, index * Float.BYTES);
    }

    private static void set(MemorySegment segment, long index, float value) {
        segment.set(JAVA_FLOAT_UNALIGNED, index * Float.BYTES, value);
    }
}
