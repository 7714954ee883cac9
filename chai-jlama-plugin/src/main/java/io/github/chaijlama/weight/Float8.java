// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

/**
 * 8-bit floats (OCP 8-bit Floating Point Specification): a sign, an exponent, a fraction. Each is a 32-bit float, too.
 */
enum Float8 {
    /** 4 bits of exponent, 3 of fraction; no infinity, and one pattern besides the sign that is no number. */
    E4M3(3, 7),
    /** 5 bits of exponent, 2 of fraction; infinity and what is no number as IEEE 754 has them. */
    E5M2(2, 15);

    /** Factors of blocks of E4M3 are smaller: products multiply them by 2^120 to turn bits into numbers. */
    static final float MAX_FACTOR = 128;

    private final float[] values = new float[1 << Byte.SIZE];

    Float8(int fractionBits, int bias) {
        for (int bits = 0; bits < values.length; bits++) {
            int fraction = bits & (1 << fractionBits) - 1;
            int exponent = (bits & 0x7F) >> fractionBits;
            float size = exponent == 0 ? Math.scalb((float) fraction, 1 - bias - fractionBits)
                    : Math.scalb((float) (fraction + (1 << fractionBits)), exponent - bias - fractionBits);
            if (fractionBits == 3 && (bits & 0x7F) == 0x7F) {
                size = Float.NaN;
            } else if (fractionBits == 2 && exponent == 31) {
                size = fraction == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
            }
            values[bits] = bits < 1 << 7 ? size : -size;
        }
    }

    /** Returns the number that a byte is. */
    float toFloat(byte bits) {
        return values[bits & 0xFF];
    }
}
