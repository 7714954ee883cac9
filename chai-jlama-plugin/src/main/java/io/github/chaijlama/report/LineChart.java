// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.List;

/**
 * Values over a horizontal axis, as lines or points. Immutable.
 *
 * @param title   heading
 * @param caption what to see, empty for none
 * @param x       horizontal axis
 * @param y       vertical axis
 * @param series  what is drawn, the first below the others; up to seven can be told apart, and one that is a reference
 */
public record LineChart(String title, String caption, Axis x, Axis y, List<Series> series) implements Chart {

    public LineChart {
        series = List.copyOf(series);
    }
}
