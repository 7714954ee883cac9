// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A square of values between the same things in rows and columns, ordered by their groups, with each group of several
 * outlined. Immutable. The drawing is made for up to 64 rows.
 *
 * @param title   heading
 * @param caption what to see, empty for none
 * @param labels  names of the rows and columns, {@code (n)}
 * @param values  {@code (n, n)}; one that is not finite stays blank
 * @param groups  group of each row, {@code (n)}
 * @param min     value of the darkest colour
 * @param max     value of the brightest colour, above {@code min}
 */
public record HeatMap(String title, String caption, List<String> labels, List<List<Double>> values,
        List<Integer> groups, double min, double max) implements Chart {

    /**
     * @throws IllegalArgumentException if labels, values and groups are not of the same length, or the range is empty
     */
    public HeatMap {
        labels = List.copyOf(labels);
        values = values.stream().map(List::copyOf).toList();
        groups = List.copyOf(groups);
        int size = labels.size();
        if (values.size() != size || groups.size() != size || values.stream().anyMatch(row -> row.size() != size)) {
            throw new IllegalArgumentException("a heat map of " + size + " labels needs as many groups and " + size
                    + " x " + size + " values, found " + groups.size() + " groups and rows of "
                    + values.stream().map(List::size).distinct().toList() + " in " + values.size() + " rows");
        }
        if (!(min < max)) {
            throw new IllegalArgumentException("the range of a heat map's values is empty: " + min + " to " + max);
        }
    }

    /** Returns the rows in the order of the drawing: group after group, each in its own order. */
    List<Integer> order() {
        return IntStream.range(0, labels.size()).boxed().sorted(Comparator.comparing(groups::get)).toList();
    }
}
