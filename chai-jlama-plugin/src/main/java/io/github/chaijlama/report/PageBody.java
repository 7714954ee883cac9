// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.List;

/** Writes what is on the page of a {@link Report}. */
final class PageBody {
    private final Markup out;

    private PageBody(Markup out) {
        this.out = out;
    }

    static void write(Markup out, Report report) {
        new PageBody(out).report(report);
    }

    private void report(Report report) {
        out.open("header").element("h1", report.title());
        if (!report.subtitle().isEmpty()) {
            out.element("p", report.subtitle(), "class", "subtitle");
        }
        out.close();
        contents(report.sections());
        out.open("main");
        for (int i = 0; i < report.sections().size(); i++) {
            section(report.sections().get(i), "section-" + (i + 1));
        }
        out.close();
    }

    private void contents(List<Section> sections) {
        out.open("nav", "aria-label", "Contents").open("ol");
        for (int i = 0; i < sections.size(); i++) {
            out.open("li").element("a", sections.get(i).title(), "href", "#section-" + (i + 1)).close();
        }
        out.close().close();
    }

    private void section(Section section, String id) {
        out.open("section", "id", id).element("h2", section.title());
        if (!section.text().isEmpty()) {
            for (String paragraph : section.text().split("\n\n", 0)) {
                out.element("p", paragraph, "class", "prose");
            }
        }
        section.blocks().forEach(this::block);
        out.close();
    }

    private void block(Block block) {
        switch (block) {
            case Table table -> table(table);
            case KeyValues values -> keyValues(values);
            case KeyFigures figures -> keyFigures(figures);
            case Note note -> out.element("p", note.text(), "class", "note", "role", "note");
            case Chart chart -> chart(chart);
            case ChartGrid grid -> grid(grid);
        }
    }

    private void table(Table table) {
        String name = table.caption().isEmpty() ? "Table" : table.caption();
        // A wide table scrolls by itself, with the keyboard too.
        out.open("div", "class", "scroll", "tabindex", "0", "role", "region", "aria-label", name).open("table");
        if (!table.caption().isEmpty()) {
            out.element("caption", table.caption());
        }
        out.open("thead").open("tr");
        for (int column = 0; column < table.headers().size(); column++) {
            cell("th", table, column, table.headers().get(column), "scope", "col");
        }
        out.close().close().open("tbody");
        for (List<String> row : table.rows()) {
            out.open("tr");
            cell("th", table, 0, row.getFirst(), "scope", "row");
            for (int column = 1; column < row.size(); column++) {
                cell("td", table, column, row.get(column));
            }
            out.close();
        }
        out.close().close().close();
    }

    /** Most cells are numbers, hundreds of thousands in a large report: they do without a class. */
    private void cell(String element, Table table, int column, String text, Object... attributes) {
        out.open(element, attributes);
        if (table.alignments().get(column) == Table.Alignment.TEXT) {
            out.attribute("class", "words");
        }
        out.text(text).close();
    }

    private void keyValues(KeyValues values) {
        if (!values.title().isEmpty()) {
            out.element("h3", values.title());
        }
        out.open("dl", "class", "values");
        values.entries().forEach(this::entry);
        out.close();
    }

    private void keyFigures(KeyFigures figures) {
        out.open("dl", "class", "figures");
        figures.figures().forEach(this::entry);
        out.close();
    }

    private void entry(Entry entry) {
        out.open("div").element("dt", entry.name()).element("dd", entry.value()).close();
    }

    private void chart(Chart chart) {
        out.open("figure");
        heading(chart, "h3");
        switch (chart) {
            case LineChart lines -> {
                Legend.of(lines).write(out);
                LineChartSvg.draw(out, lines, Frame.WIDE);
                LineChartSvg.draw(out, lines, Frame.NARROW);
            }
            case IntervalChart intervals -> {
                Legend.of(intervals).write(out);
                IntervalChartSvg.draw(out, intervals, Frame.WIDE);
                IntervalChartSvg.draw(out, intervals, Frame.NARROW);
            }
            case HeatMap map -> {
                HeatMapSvg.draw(out, map);
                colors(map);
            }
        }
        numbers(List.of(ChartTables.table(chart)));
        out.close();
    }

    private void grid(ChartGrid grid) {
        out.open("div", "class", "charts").element("h3", grid.title());
        switch (grid.charts().getFirst()) {
            case LineChart lines -> Legend.of(lines).write(out);
            case IntervalChart intervals -> Legend.of(intervals).write(out);
            case HeatMap map -> colors(map);
        }
        out.open("div", "class", "panels");
        for (Chart chart : grid.charts()) {
            out.open("figure");
            heading(chart, "h4");
            switch (chart) {
                case LineChart lines -> LineChartSvg.draw(out, lines, Frame.PANEL);
                case IntervalChart intervals -> IntervalChartSvg.draw(out, intervals, Frame.PANEL);
                case HeatMap map -> HeatMapSvg.draw(out, map);
            }
            out.close();
        }
        out.close();
        numbers(ChartTables.tables(grid));
        out.close();
    }

    private void heading(Chart chart, String level) {
        out.open("figcaption").element(level, chart.title());
        if (!chart.caption().isEmpty()) {
            out.element("p", chart.caption());
        }
        out.close();
    }

    private void colors(HeatMap map) {
        out.open("p", "class", "colors").element("span", Numbers.significant(map.min()));
        out.open("svg", "viewBox", "0 0 " + Viridis.STEPS + " 3", "role", "img", "preserveAspectRatio", "none",
                "aria-label", "Colours from dark, the smallest, to bright, the largest");
        for (int step = 0; step < Viridis.STEPS; step++) {
            out.empty("rect", "x", step, "width", 1.05, "height", 3, "fill", Viridis.color(step));
        }
        out.close().element("span", Numbers.significant(map.max())).close();
    }

    private void numbers(List<Table> tables) {
        out.open("details").element("summary", "Numbers");
        tables.forEach(this::table);
        out.close();
    }
}
