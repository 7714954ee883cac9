// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.foreign.MemorySegment;

import io.github.chaijlama.kv.KvType;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

/**
 * The formulas of {@link AttentionKernels} as plain loops: the specification the vector kernels are tested against, and
 * what runs where the Vector API cannot. Never optimised; its value is being obvious.
 */
final class ScalarKernels extends AttentionKernels {
    private static final int TILE_ROWS = 16;
    /** Magnitudes below this are stored as zero: their scale, or one over it, is no normal float. */
    private static final float SMALLEST_MAGNITUDE = 1e-35f;
    private static final float LARGEST_BYTE = 127;

    @Override
    public String description() {
        return "scalar";
    }

    @Override
    public int tileRows() {
        return TILE_ROWS;
    }

    @Override
    void doStoreRow(KvType type, MemorySegment rows, long rowAt, MemorySegment in, long inOffset, int headSize) {
        float max = 0;
        for (int i = 0; i < headSize; i++) {
            max = Math.max(max, Math.abs(get(in, inOffset + i)));
        }
        if (type == KvType.I8) {
            rows.set(JAVA_FLOAT_UNALIGNED, rowAt, scaleOf(max));
        }
        for (int i = 0; i < headSize; i++) {
            float value = get(in, inOffset + i);
            switch (type) {
                case F32 -> rows.set(JAVA_FLOAT_UNALIGNED, rowAt + (long) i * Float.BYTES, value);
                case BF16 -> rows.set(JAVA_SHORT_UNALIGNED, rowAt + (long) i * Short.BYTES, toBf16(value));
                case I8 -> rows.set(JAVA_BYTE, rowAt + Float.BYTES + i, (byte) Math.rint(value * factorOf(max)));
            }
        }
    }

    /** Rounds to the nearest even; what is not a number stays one. */
    static short toBf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) (bits >>> 16 | 0x40);
        }
        return (short) (bits + 0x7FFF + (bits >>> 16 & 1) >>> 16);
    }

    /** Returns the scale of a row by its largest magnitude. */
    static float scaleOf(float max) {
        return max < SMALLEST_MAGNITUDE ? 0 : max / LARGEST_BYTE;
    }

    /** Returns what a row's values are multiplied by before they are rounded. */
    static float factorOf(float max) {
        return max < SMALLEST_MAGNITUDE ? 0 : LARGEST_BYTE / max;
    }

    @Override
    void doLoadRows(MemorySegment out, long outOffset, KvType type, MemorySegment rows, long rowsAt, int numberOfRows,
            int headSize) {
        for (int row = 0; row < numberOfRows; row++) {
            for (int i = 0; i < headSize; i++) {
                set(out, outOffset + (long) row * headSize + i, get(type, rows, rowsAt, row, i, headSize));
            }
        }
    }

    @Override
    void doScores(MemorySegment scores, long scoresOffset, MemorySegment query, long queryOffset, KvType type,
            MemorySegment keys, long keysAt, int numberOfKeys, int headSize, float scale) {
        for (int key = 0; key < numberOfKeys; key++) {
            float sum = 0;
            for (int i = 0; i < headSize; i++) {
                sum += get(query, queryOffset + i) * get(type, keys, keysAt, key, i, headSize);
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
    void doSoftmax(MemorySegment scores, long offset, int length, float sink) {
        float max = sink;
        for (int i = 0; i < length; i++) {
            max = Math.max(max, get(scores, offset + i));
        }
        float sum = (float) Math.exp(sink - max);
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
            KvType type, MemorySegment values, long valuesAt, int numberOfValues, int headSize) {
        for (int i = 0; i < headSize; i++) {
            float sum = get(out, outOffset + i);
            for (int value = 0; value < numberOfValues; value++) {
                sum += get(probabilities, probabilitiesOffset + value)
                        * get(type, values, valuesAt, value, i, headSize);
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
    void doSoftCapTile(float[] scores, int offset, int length, float cap) {
        for (int i = offset; i < offset + length; i++) {
            scores[i] = cap * (float) Math.tanh(scores[i] / cap);
        }
    }

    @Override
    void doScoresTile(float[] scores, int scoresOffset, MemorySegment queries, long queriesOffset, MemorySegment keys,
            long keysOffset, int numberOfKeys, int headSize, float scale) {
        for (int key = 0; key < numberOfKeys; key++) {
            for (int row = 0; row < TILE_ROWS; row++) {
                float sum = 0;
                for (int i = 0; i < headSize; i++) {
                    sum += get(queries, queriesOffset + (long) i * TILE_ROWS + row)
                            * get(keys, keysOffset + (long) key * headSize + i);
                }
                scores[scoresOffset + key * TILE_ROWS + row] = scale * sum;
            }
        }
    }

    @Override
    void doSoftmaxTile(float[] scores, int scoresOffset, float[] state, int stateOffset, int numberOfKeys,
            int visible) {
        for (int row = 0; row < TILE_ROWS; row++) {
            int seen = Math.clamp((long) visible + row, 0, numberOfKeys);
            float oldMax = state[stateOffset + row];
            float max = oldMax;
            for (int key = 0; key < seen; key++) {
                max = Math.max(max, scores[scoresOffset + key * TILE_ROWS + row]);
            }
            float correction = oldMax == max ? 1 : (float) Math.exp(oldMax - max);
            float sum = state[stateOffset + TILE_ROWS + row] * correction;
            for (int key = 0; key < numberOfKeys; key++) {
                int at = scoresOffset + key * TILE_ROWS + row;
                scores[at] = key < seen ? (float) Math.exp(scores[at] - max) : 0;
                sum += scores[at];
            }
            state[stateOffset + row] = max;
            state[stateOffset + TILE_ROWS + row] = sum;
            state[stateOffset + 2 * TILE_ROWS + row] = correction;
        }
    }

    @Override
    void doWeightedSumTile(MemorySegment out, long outOffset, float[] state, int stateOffset, float[] probabilities,
            int probabilitiesOffset, MemorySegment values, long valuesOffset, int numberOfValues, int headSize) {
        for (int row = 0; row < TILE_ROWS; row++) {
            for (int i = 0; i < headSize; i++) {
                long at = outOffset + (long) row * headSize + i;
                float sum = get(out, at) * state[stateOffset + 2 * TILE_ROWS + row];
                for (int value = 0; value < numberOfValues; value++) {
                    sum += probabilities[probabilitiesOffset + value * TILE_ROWS + row]
                            * get(values, valuesOffset + (long) value * headSize + i);
                }
                set(out, at, sum);
            }
        }
    }

    @Override
    void doNormalizeTile(MemorySegment rows, long rowsOffset, long rowStride, MemorySegment tile, long tileOffset,
            float[] state, int stateOffset, int numberOfRows, int headSize) {
        for (int row = 0; row < numberOfRows; row++) {
            for (int i = 0; i < headSize; i++) {
                set(rows, rowsOffset + row * rowStride + i,
                        get(tile, tileOffset + (long) row * headSize + i) / state[stateOffset + TILE_ROWS + row]);
            }
        }
    }

    /** Returns one value of stored rows. */
    private static float get(KvType type, MemorySegment rows, long rowsAt, int row, int i, int headSize) {
        long rowAt = rowsAt + (long) row * type.rowBytes(headSize);
        return switch (type) {
            case F32 -> rows.get(JAVA_FLOAT_UNALIGNED, rowAt + (long) i * Float.BYTES);
            case BF16 -> Float.intBitsToFloat(rows.get(JAVA_SHORT_UNALIGNED, rowAt + (long) i * Short.BYTES) << 16);
            case I8 -> rows.get(JAVA_FLOAT_UNALIGNED, rowAt) * rows.get(JAVA_BYTE, rowAt + Float.BYTES + i);
        };
    }

    private static float get(MemorySegment segment, long index) {
        return segment.get(JAVA_FLOAT_UNALIGNED, index * Float.BYTES);
    }

    private static void set(MemorySegment segment, long index, float value) {
        segment.set(JAVA_FLOAT_UNALIGNED, index * Float.BYTES, value);
    }
}
