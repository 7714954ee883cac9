// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

/**
 * A mean and its standard error, {@code sqrt(sum((x - mean)^2) / (n - 1) / n)}, from running sums (B. P. Welford, Note
 * on a Method for Calculating Corrected Sums of Squares and Products, 1962). Not thread-safe.
 */
public final class MeanSums {
    private long count;
    private double mean;
    private double squares;

    /** Adds a sample. */
    public void add(double value) {
        count++;
        double before = value - mean;
        mean += before / count;
        squares += before * (value - mean);
    }

    /** Returns the mean of the samples, NaN if there is none. */
    public Estimate mean() {
        return new Estimate(count == 0 ? Double.NaN : mean,
                count < 2 ? Double.NaN : Math.sqrt(squares / (count - 1) / count));
    }
}
