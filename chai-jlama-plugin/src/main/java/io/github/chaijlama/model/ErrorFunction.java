// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

/** The Gauss error function, which Java's library does not have. */
final class ErrorFunction {
    /** From here on the function is 1 to the last bit of a double. */
    private static final double LARGEST = 6;

    private ErrorFunction() {}

    /**
     * Returns {@code 2 / sqrt(pi)} times the integral of {@code exp(-t^2)} from 0 to x, by a series all of whose terms
     * have one sign: {@code 2 / sqrt(pi) exp(-x^2) sum_n 2^n x^(2n+1) / (1 3 5 ... (2n+1))} (Abramowitz and Stegun,
     * 7.1.6).
     */
    static double of(double x) {
        if (!(Math.abs(x) < LARGEST)) {
            return Double.isNaN(x) ? x : Math.signum(x);
        }
        double term = x;
        double sum = x;
        for (int n = 1; Math.abs(term) > Math.ulp(sum) / 2; n++) {
            term *= 2 * x * x / (2 * n + 1);
            sum += term;
        }
        return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
    }
}
