// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

/**
 * A measured value.
 *
 * @param value         the value; NaN if it was not measured
 * @param standardError its standard error, in the unit of the value; NaN if it is not known
 */
public record Estimate(double value, double standardError) {
    /** Not measured. */
    public static final Estimate NONE = new Estimate(Double.NaN, Double.NaN);

    /** Returns a value whose error is not known. */
    public static Estimate of(double value) {
        return new Estimate(value, Double.NaN);
    }

    /** Returns value and error in a hundredth of their unit. */
    Estimate percent() {
        return new Estimate(100 * value, 100 * standardError);
    }

    /** Returns value and error with as many decimals as asked for. */
    String text(int decimals) {
        return Numbers.fixed(value, decimals)
                + (Double.isFinite(standardError) ? " ± " + Numbers.fixed(standardError, decimals) : "");
    }
}
