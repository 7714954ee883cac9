// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

/**
 * A measured value.
 *
 * @param value         the value
 * @param standardError its standard error, NaN if it is unknown (fewer than two samples)
 */
public record Estimate(double value, double standardError) {

    /** Whether the value differs from zero by more than twice its standard error; false if that is not known. */
    public boolean isSignificant() {
        return Math.abs(value) > 2 * standardError;
    }

    /** Returns the estimate of {@code exp} of this value, its error by the delta method. */
    Estimate exp() {
        double exp = Math.exp(value);
        return new Estimate(exp, exp * standardError);
    }
}
