// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

/** How the values of a weight are stored, little endian. */
public enum WeightFormat {
    /** 32-bit floats. */
    F32(32),
    /** The upper half of a 32-bit float. */
    BF16(16),
    /** IEEE 754 half precision. */
    F16(16),
    /** Jlama's I8: signed bytes, times a 32-bit factor for each block of {@value Weight#BLOCK} of a row. */
    I8(8),
    /**
     * 8-bit floats without infinity (E4M3), times a 32-bit factor below {@link Float8#MAX_FACTOR} for each block of
     * {@value Weight#BLOCK} of a row.
     */
    F8(8),
    /**
     * Jlama's Q4: 16 bytes for each block of {@value Weight#BLOCK} values of a row, and a 32-bit factor. Byte {@code i}
     * holds value {@code i} in its lower and value {@code i + 16} in its upper half, both plus 8.
     */
    Q4(4);

    private final int bits;

    WeightFormat(int bits) {
        this.bits = bits;
    }

    /** Whether blocks of values share a factor. */
    public boolean isQuantized() {
        return this == I8 || this == F8 || this == Q4;
    }

    /** Returns the bytes of that many values, without factors. */
    public long bytes(long values) {
        return values * bits / Byte.SIZE;
    }
}
