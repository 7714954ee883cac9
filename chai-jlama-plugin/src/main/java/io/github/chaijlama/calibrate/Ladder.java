// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.Collections;
import java.util.List;
import java.util.OptionalInt;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * The numbers of clusters that a search tries in a layer.
 *
 * @param counts falling, from the number of heads
 */
record Ladder(List<Integer> counts) {
    private static final int ALL_COUNTS = 8;

    Ladder {
        counts = List.copyOf(counts);
    }

    /**
     * Returns the numbers that leave whole groups of heads without a representative, so that each step frees keys: all
     * for a few groups, eighths of many.
     *
     * @param groupSize heads that use the same keys
     */
    static Ladder ofGroups(int heads, int groupSize) {
        Ladder groups = of(heads / groupSize, 1);
        return new Ladder(groups.counts.stream().map(count -> count * groupSize).toList());
    }

    /** Returns all numbers for a few heads, eighths of many, and the elbow. */
    static Ladder of(int heads, int elbow) {
        TreeSet<Integer> counts = new TreeSet<>(Collections.reverseOrder());
        if (heads <= ALL_COUNTS) {
            IntStream.rangeClosed(1, heads).forEach(counts::add);
        } else {
            IntStream.rangeClosed(1, 8).forEach(eighth -> counts.add(Math.max(1, heads * eighth / 8)));
            counts.add(1);
            counts.add(elbow);
        }
        return new Ladder(List.copyOf(counts));
    }

    /** Returns the number of exact attention. */
    int heads() {
        return counts.getFirst();
    }

    /** Returns the numbers below one of them, the nearest first. */
    List<Integer> below(int clusters) {
        return counts.subList(counts.indexOf(clusters) + 1, counts.size());
    }

    /** Returns the number above one of them, empty above the number of heads. */
    OptionalInt above(int clusters) {
        int rung = counts.indexOf(clusters);
        return rung == 0 ? OptionalInt.empty() : OptionalInt.of(counts.get(rung - 1));
    }
}
