// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.util.List;

/**
 * What several runs gave.
 *
 * @param median the middle one
 * @param min    the smallest
 * @param max    the largest
 */
public record Spread(double median, double min, double max) {

    /** Returns the spread of at least one value. */
    static Spread of(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        int middle = sorted.size() / 2;
        double median = sorted.size() % 2 == 1 ? sorted.get(middle)
                : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
        return new Spread(median, sorted.getFirst(), sorted.getLast());
    }
}
