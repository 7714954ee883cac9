// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

/**
 * The mean per token over texts of different lengths, and its standard error with the texts as the independent samples
 * (tokens of one text are not): the ratio estimator of survey sampling, W. G. Cochran, Sampling Techniques, 3rd
 * edition, section 2.11. Keeps running sums only. Not thread-safe.
 */
final class RatioSums {
    private long texts;
    private double tokens;
    private double tokensSquared;
    private double total;
    private double totalSquared;
    private double product;

    /**
     * Adds a text.
     *
     * @param sum   sum of the values of its tokens
     * @param count number of its tokens
     */
    void add(double sum, long count) {
        texts++;
        tokens += count;
        tokensSquared += (double) count * count;
        total += sum;
        totalSquared += sum * sum;
        product += sum * count;
    }

    Estimate mean() {
        double mean = total / tokens;
        if (texts < 2) {
            return new Estimate(mean, Double.NaN);
        }
        double residuals = totalSquared - 2 * mean * product + mean * mean * tokensSquared;
        // Rounding may leave a little less than nothing.
        return new Estimate(mean, Math.sqrt(Math.max(0, residuals) * texts / (texts - 1)) / tokens);
    }
}
