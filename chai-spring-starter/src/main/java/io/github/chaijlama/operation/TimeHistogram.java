// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;

/** Counts how many times were at most as long as each of some bounds. Thread-safe. */
final class TimeHistogram {
    private final double[] bounds;
    /** How many times fell between two bounds, {@code (bounds.length + 1)}. */
    private final LongAdder[] counts;
    private final LongAdder nanos = new LongAdder();

    /**
     * Creates an empty histogram.
     *
     * @param bounds in seconds, rising
     */
    TimeHistogram(double... bounds) {
        this.bounds = bounds.clone();
        this.counts = Stream.generate(LongAdder::new).limit(bounds.length + 1L).toArray(LongAdder[]::new);
    }

    void add(Duration time) {
        int at = Arrays.binarySearch(bounds, time.toNanos() / 1e9);
        counts[at < 0 ? -at - 1 : at].increment();
        nanos.add(time.toNanos());
    }

    /** Returns the bounds in seconds; the last bucket has none. */
    double[] bounds() {
        return bounds.clone();
    }

    /** Returns how many times fell into each bucket, {@code (bounds + 1)}, not summed up. */
    long[] counts() {
        return Arrays.stream(counts).mapToLong(LongAdder::sum).toArray();
    }

    /** Returns the sum of all times in seconds. */
    double seconds() {
        return nanos.sum() / 1e9;
    }
}
