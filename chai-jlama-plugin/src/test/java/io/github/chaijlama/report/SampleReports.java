// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.List;
import java.util.stream.IntStream;

/** Documents with made-up numbers. */
final class SampleReports {
    private SampleReports() {}

    /** Returns a document with one of everything. */
    static Report ofEverything() {
        Axis x = Axis.of("Saved", "%", Axis.Scale.LINEAR);
        Axis y = Axis.of("Cost", "nats", Axis.Scale.LOGARITHMIC);
        LineChart lines = new LineChart("Lines", "what to see", x, y,
                List.of(new Series("first", Series.Style.LINE,
                        List.of(Point.of(1, 0.1), new Point(2, 0.2, new Bar.Error(0.05), "named", true),
                                Point.of(3, Double.NaN))),
                        new Series("second", Series.Style.POINTS, List.of(Point.of(2, 0.4), Point.of(3, 0)))));
        IntervalChart intervals = new IntervalChart("Intervals", "", x,
                List.of(new IntervalChart.Row("tasks", "one", -1, 0.5), new IntervalChart.Row("tasks", "two", 0.5, 1),
                        new IntervalChart.Row("more tasks", "one", Double.NaN, Double.NaN)));
        List<Chart> panels = IntStream.range(0, 3).<Chart>mapToObj(i -> new LineChart("Panel " + i, "", x, y,
                List.of(new Series("", Series.Style.LINE, List.of(Point.of(1, 0.1), Point.of(2, 0.3)))))).toList();
        List<Chart> maps = List.of(new HeatMap("Map", "", List.of("a", "b"),
                List.of(List.of(1.0, 0.2), List.of(0.2, 1.0)), List.of(0, 0), 0, 1));
        return new Report("Everything", "subtitle",
                List.of(new Section("Words", "One.\n\nTwo.", List.of(new KeyFigures(List.of(new Entry("figure", "1"))),
                        new Note("note"), new KeyValues("values", List.of(new Entry("name", "value"))),
                        Table.ofNumbers("table", List.of("", "number"), List.of(List.of("row", "1"))))),
                        new Section("Charts", "", List.of(lines, intervals, new ChartGrid("Panels", panels),
                                new ChartGrid("Maps", maps)))));
    }
}
