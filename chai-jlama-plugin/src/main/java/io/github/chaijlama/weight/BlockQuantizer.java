// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

/**
 * Quantizes a row block by block with the arithmetic of Jlama's {@code Q4ByteBufferTensor} and
 * {@code Q8ByteBufferTensor}, so that the bits are those that Jlama's own command writes. Stateless and thread-safe.
 */
final class BlockQuantizer {
    private static final ValueLayout.OfFloat FLOAT = JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int BLOCK = Weight.BLOCK;

    private BlockQuantizer() {}

    /**
     * Quantizes a row.
     *
     * @param values {@code (columns)}, a multiple of {@value Weight#BLOCK}
     * @param out    a weight in Q4 or I8 of as many columns, which receives the row
     * @param row    which row of {@code out}
     * @return whether all values are finite numbers; if not, what is in {@code out} means nothing
     */
    static boolean quantize(float[] values, Weight out, int row) {
        boolean finite = true;
        long firstBlock = (long) row * values.length / BLOCK;
        for (int i = 0; i < values.length; i += BLOCK) {
            long block = firstBlock + i / BLOCK;
            finite &= switch (out.format()) {
                case Q4 -> toQ4(values, i, out.data(), out.factors(), block);
                case I8 -> toI8(values, i, out.data(), out.factors(), block);
                default -> throw new IllegalArgumentException("not a quantized format: " + out.format());
            };
        }
        return finite;
    }

    /** The value farthest from 0 becomes -8, exactly, and the others the nearest of -8 to 7. */
    private static boolean toQ4(float[] values, int from, MemorySegment out, MemorySegment factors, long block) {
        float farthest = 0;
        boolean finite = true;
        for (int i = from; i < from + BLOCK; i++) {
            finite &= Float.isFinite(values[i]);
            farthest = Math.abs(values[i]) > Math.abs(farthest) ? values[i] : farthest;
        }
        float factor = farthest / -8;
        float inverse = 1 / factor;
        if (!Float.isFinite(inverse)) { // all 0, or as good as that
            factor = 0;
            inverse = 0;
        }
        factors.set(FLOAT, block * Float.BYTES, factor);
        for (int i = 0; i < BLOCK / 2; i++) {
            int low = nibble(values[from + i] * inverse);
            int high = nibble(values[from + i + BLOCK / 2] * inverse);
            out.set(JAVA_BYTE, block * (BLOCK / 2) + i, (byte) (high << 4 | low));
        }
        return finite;
    }

    private static int nibble(float value) {
        return Math.min(15, (int) (value + 8.5f));
    }

    /** The value farthest from 0 becomes 127 or -127, and the others the nearest of what is between. */
    private static boolean toI8(float[] values, int from, MemorySegment out, MemorySegment factors, long block) {
        float farthest = 0;
        boolean finite = true;
        for (int i = from; i < from + BLOCK; i++) {
            finite &= Float.isFinite(values[i]);
            farthest = Math.max(farthest, Math.abs(values[i]));
        }
        float inverse = Byte.MAX_VALUE / farthest;
        float factor = 1 / inverse;
        if (!Float.isFinite(inverse)) { // all 0, or as good as that
            factor = 0;
            inverse = 0;
        }
        factors.set(FLOAT, block * Float.BYTES, factor);
        for (int i = 0; i < BLOCK; i++) {
            out.set(JAVA_BYTE, block * BLOCK + i, (byte) Math.round(values[from + i] * inverse));
        }
        return finite;
    }
}
