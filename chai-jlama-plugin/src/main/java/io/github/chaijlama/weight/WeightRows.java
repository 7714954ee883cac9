// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

/** Reads rows of a weight of any type as 32-bit floats; exact for every type. Thread-safe. */
public final class WeightRows {
    private static final ValueLayout.OfFloat FLOAT = JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED
            .withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int BLOCK = Weight.BLOCK;

    private final WeightFormat format;
    private final int columns;
    private final MemorySegment data;
    private final MemorySegment factors;

    /** Creates a reader of a weight. */
    public WeightRows(Weight weight) {
        this.format = weight.format();
        this.columns = weight.columns();
        this.data = weight.data();
        this.factors = weight.factors();
    }

    /**
     * Reads a row.
     *
     * @param out       receives the row
     * @param outOffset where in {@code out}, in floats
     */
    public void decode(long row, MemorySegment out, long outOffset) {
        long first = row * columns;
        switch (format) {
            case F32 -> MemorySegment.copy(data, FLOAT, first * Float.BYTES, out, JAVA_FLOAT_UNALIGNED,
                    outOffset * Float.BYTES, columns);
            case BF16 -> decodeBfloat16(first, out, outOffset);
            case F16 -> decodeFloat16(first, out, outOffset);
            case I8 -> decodeI8(first, out, outOffset);
            case F8 -> decodeF8(first, out, outOffset);
            case Q4 -> decodeQ4(first, out, outOffset);
        }
    }

    /** A bfloat16 is the upper half of a 32-bit float. */
    private void decodeBfloat16(long first, MemorySegment out, long outOffset) {
        for (int i = 0; i < columns; i++) {
            float value = Float.intBitsToFloat(data.getAtIndex(SHORT, first + i) << 16);
            out.setAtIndex(JAVA_FLOAT_UNALIGNED, outOffset + i, value);
        }
    }

    private void decodeFloat16(long first, MemorySegment out, long outOffset) {
        for (int i = 0; i < columns; i++) {
            float value = Float.float16ToFloat(data.getAtIndex(SHORT, first + i));
            out.setAtIndex(JAVA_FLOAT_UNALIGNED, outOffset + i, value);
        }
    }

    private void decodeI8(long first, MemorySegment out, long outOffset) {
        for (int i = 0; i < columns; i += BLOCK) {
            float factor = factors.getAtIndex(FLOAT, (first + i) / BLOCK);
            for (int j = i; j < i + BLOCK; j++) {
                out.setAtIndex(JAVA_FLOAT_UNALIGNED, outOffset + j, data.get(JAVA_BYTE, first + j) * factor);
            }
        }
    }

    private void decodeF8(long first, MemorySegment out, long outOffset) {
        for (int i = 0; i < columns; i += BLOCK) {
            float factor = factors.getAtIndex(FLOAT, (first + i) / BLOCK);
            for (int j = i; j < i + BLOCK; j++) {
                out.setAtIndex(JAVA_FLOAT_UNALIGNED, outOffset + j,
                        Float8.E4M3.toFloat(data.get(JAVA_BYTE, first + j)) * factor);
            }
        }
    }

    private void decodeQ4(long first, MemorySegment out, long outOffset) {
        for (int i = 0; i < columns; i += BLOCK) {
            float factor = factors.getAtIndex(FLOAT, (first + i) / BLOCK);
            for (int j = 0; j < BLOCK / 2; j++) {
                int pair = data.get(JAVA_BYTE, (first + i) / 2 + j);
                out.setAtIndex(JAVA_FLOAT_UNALIGNED, outOffset + i + j, ((pair & 15) - 8) * factor);
                out.setAtIndex(JAVA_FLOAT_UNALIGNED, outOffset + i + j + BLOCK / 2,
                        ((pair >> 4 & 15) - 8) * factor);
            }
        }
    }
}
