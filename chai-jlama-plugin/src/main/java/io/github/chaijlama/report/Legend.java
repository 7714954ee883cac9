// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.List;
import java.util.stream.IntStream;

/**
 * Which mark and colour belong to which name.
 *
 * @param entries in the order of the series
 */
record Legend(List<Item> entries) {

    /**
     * One series.
     *
     * @param name  its name
     * @param mark  its mark
     * @param color class of the style sheet that colours it
     */
    record Item(String name, Mark mark, String color) {}

    static Legend of(LineChart chart) {
        List<Series> series = chart.series();
        return new Legend(IntStream.range(0, series.size())
                .mapToObj(i -> new Item(series.get(i).name(), Mark.of(i), Mark.color(series.get(i), i))).toList());
    }

    static Legend of(IntervalChart chart) {
        List<String> groups = IntervalChartSvg.groups(chart);
        return new Legend(IntStream.range(0, groups.size())
                .mapToObj(i -> new Item(groups.get(i), Mark.of(i), Mark.color(i))).toList());
    }

    /** Writes the legend; one series is named by the chart's heading already. */
    void write(Markup out) {
        if (entries.size() < 2) {
            return;
        }
        out.open("ul", "class", "legend");
        for (Item item : entries) {
            out.open("li").open("svg", "viewBox", "0 0 22 12", "aria-hidden", "true");
            out.empty("line", "class", "bar " + item.color, "x1", 1, "x2", 21, "y1", 6, "y2", 6);
            item.mark.open(out, 11, 6, 4, "mark " + item.color);
            out.close().close().element("span", item.name).close();
        }
        out.close();
    }
}
