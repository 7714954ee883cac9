// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;

/** Numbers as a reader wants them. */
public final class Numbers {
    private static final MathContext FOUR_DIGITS = new MathContext(4);
    private static final String UNKNOWN = "–";

    private Numbers() {}

    /** Returns a number with four significant digits, without trailing zeros. */
    public static String significant(double value) {
        if (!Double.isFinite(value)) {
            return UNKNOWN;
        }
        BigDecimal rounded = new BigDecimal(value).round(FOUR_DIGITS).stripTrailingZeros();
        double magnitude = Math.abs(value);
        boolean plain = magnitude == 0 || magnitude >= 1e-4 && magnitude < 1e9;
        return plain ? rounded.toPlainString() : String.format(Locale.ROOT, "%.2e", value);
    }

    /** Returns a number with a fixed count of decimals. */
    public static String fixed(double value, int decimals) {
        return Double.isFinite(value) ? String.format(Locale.ROOT, "%." + decimals + "f", value) : UNKNOWN;
    }

    /** Returns a fraction as per cent. */
    public static String percent(double fraction, int decimals) {
        return Double.isFinite(fraction) ? fixed(100 * fraction, decimals) + " %" : UNKNOWN;
    }
}
