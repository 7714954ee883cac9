// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

/**
 * A measured value.
 *
 * @param value         the value
 * @param standardError its standard error, NaN if it is unknown (fewer than two samples)
 */
public record Estimate(double value, double standardError) {
    /** Half of the central 95 % of a normal distribution, in standard errors. */
    private static final double HALF_WIDTH_95 = 1.96;

    /** So many standard errors above the mean lies the end of a one-sided interval of 95 %. */
    private static final double ONE_SIDED_95 = 1.645;

    /**
     * Whether zero lies outside of the interval of 95 % around the value, 1.96 standard errors to each side as of a
     * normal distribution; false if the standard error is not known.
     */
    public boolean isSignificant() {
        return Math.abs(value) > halfWidth95();
    }

    /** Returns half the width of the interval of 95 % around the value, NaN if the standard error is not known. */
    public double halfWidth95() {
        return HALF_WIDTH_95 * standardError;
    }

    /** Returns the upper end of the one-sided interval of 95 %, NaN if the standard error is not known. */
    public double upperBound() {
        return value + ONE_SIDED_95 * standardError;
    }

    /** Returns the estimate of this value with the other sign. */
    public Estimate negated() {
        return new Estimate(0 - value, standardError);
    }

    /** Returns the estimate of {@code exp} of this value, minus 1, its error by the delta method. */
    public Estimate expm1() {
        return new Estimate(Math.expm1(value), exp().standardError);
    }

    /** Returns the estimate of {@code exp} of this value, its error by the delta method. */
    Estimate exp() {
        double exp = Math.exp(value);
        return new Estimate(exp, exp * standardError);
    }
}
