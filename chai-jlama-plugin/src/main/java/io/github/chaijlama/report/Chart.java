// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

/** A drawing of numbers, which the page also gives as a table. */
public sealed interface Chart extends Block permits LineChart, HeatMap, IntervalChart {

    /** Returns the chart's heading. */
    String title();

    /** Returns the line below the heading that says what to see, empty for none. */
    String caption();
}
