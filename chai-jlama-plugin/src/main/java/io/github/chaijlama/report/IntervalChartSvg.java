// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.List;
import java.util.stream.DoubleStream;

/** Draws an {@link IntervalChart}. */
final class IntervalChartSvg {
    private static final double ROW = 24;
    private static final double CHARACTER = 6.4;

    private IntervalChartSvg() {}

    static void draw(Markup out, IntervalChart chart, Frame page) {
        List<String> groups = groups(chart);
        Frame frame = page.withHeight(chart.rows().size() * ROW + 52);
        double bottom = chart.rows().size() * ROW + 6;
        double[] values = chart.rows().stream().filter(row -> Double.isFinite(row.value())).flatMapToDouble(
                row -> DoubleStream.of(0, row.value() - row.halfWidth(), row.value() + row.halfWidth())).toArray();
        int characters = chart.rows().stream().mapToInt(row -> row.label().length()).max().orElse(0);
        double left = Math.min(14 + CHARACTER * characters, frame.width() * 0.5);
        Ticks x = Ticks.of(chart.axis(), values, left, frame.width() - 16, frame.xTicks());
        frame.open(out, chart);
        for (double tick : x.values(frame.xTicks())) {
            double at = x.position(tick);
            out.empty("line", "class", "grid", "x1", at, "x2", at, "y1", 2, "y2", bottom);
            out.element("text", Numbers.significant(tick), "class", "tick middle", "x", at, "y", bottom + 16);
        }
        out.empty("line", "class", "rule", "x1", x.position(0), "x2", x.position(0), "y1", 2, "y2", bottom);
        out.element("text", chart.axis().title(), "class", "axis end", "x", x.to(), "y", frame.height() - 4);
        for (int i = 0; i < chart.rows().size(); i++) {
            IntervalChart.Row row = chart.rows().get(i);
            double y = 2 + (i + 0.5) * ROW;
            // Neighbours of the same name are named once.
            if (i == 0 || !row.label().equals(chart.rows().get(i - 1).label())) {
                label(out, row.label(), x, y);
            }
            row(out, row, groups.indexOf(row.group()), x, y);
        }
        out.close();
    }

    /** Returns the groups in the order in which they come. */
    static List<String> groups(IntervalChart chart) {
        return chart.rows().stream().map(IntervalChart.Row::group).distinct().toList();
    }

    /** Shortens a name that has no room; the table has it whole. */
    private static void label(Markup out, String label, Ticks x, double y) {
        int room = Math.max(1, (int) ((x.from() - 12) / CHARACTER));
        String shown = label.length() <= room ? label : label.substring(0, room - 1) + "…";
        out.element("text", shown, "class", "label end", "x", x.from() - 10, "y", y + 4);
    }

    private static void row(Markup out, IntervalChart.Row row, int group, Ticks x, double y) {
        if (!Double.isFinite(row.value())) {
            return;
        }
        out.open("g", "data-series", group);
        if (row.halfWidth() > 0) {
            out.empty("line", "class", "bar " + Mark.color(group), "x1", x.position(row.value() - row.halfWidth()),
                    "x2", x.position(row.value() + row.halfWidth()), "y1", y, "y2", y);
        }
        Mark.of(group).open(out, x.position(row.value()), y, 4, "mark " + Mark.color(group));
        out.element("title", row.label() + ", " + row.group() + ": " + Numbers.significant(row.value()) + " ± "
                + Numbers.significant(row.halfWidth())).close();
        out.close();
    }
}
