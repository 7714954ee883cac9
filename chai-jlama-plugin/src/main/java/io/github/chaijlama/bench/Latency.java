// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.util.Arrays;

/**
 * Times of one kind, in milliseconds.
 *
 * @param median       half of them were shorter
 * @param percentile99 99 of 100 were shorter
 */
public record Latency(double median, double percentile99) {
    private static final double NANOS_PER_MILLI = 1e6;

    /** Returns the median and the 99th percentile by nearest rank; not a number if there is none. */
    static Latency of(long[] nanos) {
        long[] sorted = nanos.clone();
        Arrays.sort(sorted);
        return new Latency(percentile(sorted, 50), percentile(sorted, 99));
    }

    private static double percentile(long[] sorted, int percent) {
        if (sorted.length == 0) {
            return Double.NaN;
        }
        return sorted[Math.ceilDiv(sorted.length * percent, 100) - 1] / NANOS_PER_MILLI;
    }
}
