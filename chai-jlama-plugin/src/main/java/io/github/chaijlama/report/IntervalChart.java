// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.List;

/**
 * Estimates with their intervals, one per row, beside a line at zero. Immutable.
 *
 * @param title   heading
 * @param caption what the intervals are
 * @param axis    what is estimated
 * @param rows    the estimates, from above to below
 */
public record IntervalChart(String title, String caption, Axis axis, List<Row> rows) implements Chart {

    /**
     * An estimate.
     *
     * @param label     name of the row
     * @param group     rows of the same group have the same colour and mark
     * @param value     the estimate, in the unit of the axis
     * @param halfWidth half the length of its interval, in the unit of the axis
     */
    public record Row(String label, String group, double value, double halfWidth) {}

    public IntervalChart {
        rows = List.copyOf(rows);
    }
}
