// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.List;

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
        POINTS
    }

    public Series {
        points = List.copyOf(points);
    }
}
