// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.List;

/**
 * Small charts side by side, one per layer. Immutable. The reader compares them, so their axes should have the same
 * range.
 *
 * @param title  what all of them show
 * @param charts the charts, all {@link LineChart}s or all {@link HeatMap}s
 */
public record ChartGrid(String title, List<Chart> charts) implements Block {

    /** @throws IllegalArgumentException if there is no chart, or charts of several kinds */
    public ChartGrid {
        charts = List.copyOf(charts);
        if (charts.stream().map(Object::getClass).distinct().count() != 1) {
            throw new IllegalArgumentException("a grid needs charts of one kind, found "
                    + charts.stream().map(chart -> chart.getClass().getSimpleName()).distinct().toList());
        }
    }
}
