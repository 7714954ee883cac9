// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Draws a {@link LineChart}. */
final class LineChartSvg {
    private static final double CHARACTER = 6.4;
    /** More marks than this in a small chart hide its line. */
    private static final int MARKS_IN_SMALL_CHART = 16;
    /** Units between neighbours at the same place. */
    private static final double ASIDE = 3;

    private final Markup out;
    private final LineChart chart;
    private final Frame frame;
    private final Ticks x;
    private final Ticks y;
    private final List<Double> yTicks;
    private final List<Box> taken = new ArrayList<>();

    /** The room that a name takes. */
    private record Box(double left, double top, double width, double height) {
        boolean overlaps(Box other) {
            return left < other.left + other.width && other.left < left + width && top < other.top + other.height
                    && other.top < top + height;
        }
    }

    /**
     * How a series is drawn.
     *
     * @param aside how far it is moved from its places
     */
    private record Pen(Series series, Mark mark, String color, double aside) {}

    private LineChartSvg(Markup out, LineChart chart, Frame frame) {
        this.out = out;
        this.chart = chart;
        this.frame = frame;
        double top = frame.small() ? 24 : 30;
        double bottom = frame.height() - (frame.small() ? 37 : 44);
        y = Ticks.of(chart.y(), points().flatMap(p -> Stream.of(p.low(), p.high()))
                .mapToDouble(Double::doubleValue).toArray(), bottom, top, frame.yTicks());
        yTicks = y.values(frame.yTicks());
        int characters = yTicks.stream().map(Numbers::significant).mapToInt(String::length).max().orElse(1);
        x = Ticks.of(chart.x(), points().mapToDouble(Point::x).toArray(), 12 + characters * CHARACTER,
                frame.width() - 14, frame.xTicks());
    }

    static void draw(Markup out, LineChart chart, Frame frame) {
        new LineChartSvg(out, chart, frame).draw();
    }

    private Stream<Point> points() {
        return chart.series().stream().flatMap(series -> series.points().stream()).filter(Point::isFinite);
    }

    private void draw() {
        frame.open(out, chart);
        axes();
        for (int i = 0; i < chart.series().size(); i++) {
            out.open("g", "data-series", i);
            series(pen(i));
            out.close();
        }
        out.close();
    }

    private Pen pen(int index) {
        Series series = chart.series().get(index);
        // Where the axis has ticks of its own all series have values there, whose bars would hide each other.
        double aside = chart.x().ticks().isEmpty() ? 0 : ASIDE * (index - (chart.series().size() - 1) / 2.0);
        return new Pen(series, Mark.of(index), Mark.color(series, index), aside);
    }

    private void series(Pen pen) {
        if (pen.series.style() != Series.Style.POINTS) {
            line(pen);
        }
        pen.series.points().stream().filter(this::isVisible).forEach(point -> point(pen, point));
    }

    private boolean isVisible(Point point) {
        return x.contains(point.x()) && y.contains(point.y());
    }

    private void axes() {
        out.element("text", chart.y().title(), "class", "axis", "x", 0, "y", frame.small() ? 10 : 12);
        for (double tick : yTicks) {
            double at = y.position(tick);
            out.empty("line", "class", "grid", "x1", x.from(), "x2", x.to(), "y1", at, "y2", at);
            out.element("text", Numbers.significant(tick), "class", "tick end", "x", x.from() - 7, "y", at + 4);
        }
        for (double tick : x.values(frame.xTicks())) {
            double at = x.position(tick);
            out.empty("line", "class", "rule", "x1", at, "x2", at, "y1", y.from(), "y2", y.from() + 4);
            out.element("text", Numbers.significant(tick), "class", "tick middle", "x", at, "y", y.from() + 17);
        }
        out.empty("line", "class", "rule", "x1", x.from(), "x2", x.to(), "y1", y.from(), "y2", y.from());
        out.element("text", chart.x().title(), "class", "axis end", "x", x.to(), "y", frame.height() - 4);
    }

    /** A value without a place interrupts the line. */
    private void line(Pen pen) {
        StringBuilder path = new StringBuilder();
        boolean down = false;
        for (Point point : pen.series.points()) {
            if (isVisible(point)) {
                path.append(down ? "L" : "M").append(Markup.coordinate(x.position(point.x()) + pen.aside)).append(' ')
                        .append(Markup.coordinate(y.position(point.y())));
                down = true;
            } else {
                down = false;
            }
        }
        out.empty("path", "class", "line " + pen.color, "d", path);
    }

    /** In a crowded chart a mark shows itself only where it is looked for. */
    private void point(Pen pen, Point point) {
        boolean faint = frame.small() && pen.series.points().size() > MARKS_IN_SMALL_CHART && !point.chosen();
        double px = x.position(point.x()) + pen.aside;
        double py = y.position(point.y());
        if (point.low() < point.high() && !faint) {
            out.empty("line", "class", "bar " + pen.color, "x1", px, "x2", px, "y1", y.position(point.low()), "y2",
                    y.position(point.high()));
        }
        if (point.chosen()) {
            out.empty("circle", "class", "chosen", "cx", px, "cy", py, "r", frame.small() ? 6.5 : 8.5);
        }
        pen.mark.open(out, px, py, frame.small() ? 2.4 : 3.6, "mark " + pen.color + (faint ? " faint" : ""));
        out.element("title", description(pen.series, point)).close();
        if (!point.label().isEmpty() && !frame.small()) {
            label(point.label(), px, py);
        }
    }

    /** A name goes where there is room for it; without room it is left to the table. */
    private void label(String label, double px, double py) {
        double length = label.length() * CHARACTER;
        for (double baseline : new double[]{ py - 8, py + 17 }) {
            for (double left : new double[]{ px + 11, px - 11 - length }) {
                Box box = new Box(left, baseline - 11, length, 14);
                boolean inside = left >= x.from() && left + length <= frame.width() && baseline < y.from();
                if (inside && taken.stream().noneMatch(box::overlaps)) {
                    taken.add(box);
                    out.element("text", label, "class", "label", "x", left, "y", baseline);
                    return;
                }
            }
        }
    }

    private String description(Series series, Point point) {
        String name = series.nameOf(point);
        return (name.isEmpty() ? "" : name + ": ") + chart.x().title() + " " + Numbers.significant(point.x()) + ", "
                + chart.y().title() + " " + point.value() + (point.chosen() ? ", chosen" : "");
    }
}
