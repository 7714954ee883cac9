// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.ArrayList;
import java.util.List;

/** The numbers of charts as tables, for whoever cannot see them or wants to go on with them. */
final class ChartTables {
    private static final String CHOSEN = " (chosen)";

    private ChartTables() {}

    /** Returns the tables of a grid: one for all of its charts if each is a single line, else one for each chart. */
    static List<Table> tables(ChartGrid grid) {
        List<LineChart> single = grid.charts().stream().filter(LineChart.class::isInstance)
                .map(LineChart.class::cast).filter(lines -> lines.series().size() == 1).toList();
        return single.size() == grid.charts().size() ? List.of(together(grid.title(), single))
                : grid.charts().stream().map(ChartTables::table).toList();
    }

    static Table table(Chart chart) {
        return switch (chart) {
            case LineChart lines -> lines(lines);
            case HeatMap map -> heatMap(map);
            case IntervalChart intervals -> intervals(intervals);
        };
    }

    private static Table lines(LineChart chart) {
        List<List<String>> rows = new ArrayList<>();
        for (Series series : chart.series()) {
            for (Point point : series.points()) {
                rows.add(List.of(series.nameOf(point) + (point.chosen() ? CHOSEN : ""),
                        Numbers.significant(point.x()), point.value()));
            }
        }
        return Table.ofNumbers(chart.title(), List.of("", chart.x().title(), chart.y().title()), rows);
    }

    /** One row for each chart, one column for each place along the axis. */
    private static Table together(String title, List<LineChart> charts) {
        List<Double> places = charts.stream().flatMap(chart -> chart.series().getFirst().points().stream())
                .map(Point::x).distinct().sorted().toList();
        List<String> headers = new ArrayList<>(List.of(charts.getFirst().x().title()));
        places.forEach(place -> headers.add(Numbers.significant(place)));
        List<List<String>> rows = new ArrayList<>();
        for (LineChart chart : charts) {
            List<String> row = new ArrayList<>(List.of(chart.title()));
            for (double place : places) {
                row.add(chart.series().getFirst().points().stream().filter(point -> point.x() == place).findFirst()
                        .map(point -> Numbers.significant(point.y()) + (point.chosen() ? CHOSEN : "")).orElse(""));
            }
            rows.add(row);
        }
        return Table.ofNumbers(title + ": " + charts.getFirst().y().title(), headers, rows);
    }

    private static Table heatMap(HeatMap map) {
        List<String> headers = new ArrayList<>(List.of(""));
        headers.addAll(map.labels());
        List<List<String>> rows = new ArrayList<>();
        for (int row = 0; row < map.labels().size(); row++) {
            List<String> cells = new ArrayList<>(List.of(map.labels().get(row)));
            map.values().get(row).forEach(value -> cells.add(Numbers.fixed(value, 2)));
            rows.add(cells);
        }
        return Table.ofNumbers(map.title() + (map.caption().isEmpty() ? "" : ": " + map.caption()), headers, rows);
    }

    private static Table intervals(IntervalChart chart) {
        List<List<String>> rows = chart.rows().stream().map(row -> List.of(row.label(), row.group(),
                Numbers.significant(row.value()), Numbers.significant(row.halfWidth()))).toList();
        return new Table(chart.title(), List.of("", "", chart.axis().title(), "±"), rows, List.of(Table.Alignment.TEXT,
                Table.Alignment.TEXT, Table.Alignment.NUMBER, Table.Alignment.NUMBER));
    }
}
