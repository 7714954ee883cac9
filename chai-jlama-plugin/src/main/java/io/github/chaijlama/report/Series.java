// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Points that belong together. Immutable.
 *
 * @param name   its name in the legend
 * @param style  how it is drawn
 * @param points its points, in the order in which a line joins them
 */
public record Series(String name, Style style, List<Point> points) {

    /** How a series is drawn. */
    public enum Style {
        /** Points joined by a line. */
        LINE,
        /** Points alone. */
        POINTS,
        /** What the others are held against: a broken line without a colour of its own. */
        REFERENCE
    }

    public Series {
        points = List.copyOf(points);
    }

    /** Returns a point's name, with that of its series. */
    String nameOf(Point point) {
        return Stream.of(name, point.label()).filter(text -> !text.isEmpty()).distinct()
                .collect(Collectors.joining(", "));
    }
}
