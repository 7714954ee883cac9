// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

import io.github.chaijlama.calibrate.QualityLoss;
import io.github.chaijlama.evaluate.Estimate;
import io.github.chaijlama.evaluate.TextResult;
import io.github.chaijlama.report.Axis;
import io.github.chaijlama.report.Bar;
import io.github.chaijlama.report.Block;
import io.github.chaijlama.report.LineChart;
import io.github.chaijlama.report.Numbers;
import io.github.chaijlama.report.Point;
import io.github.chaijlama.report.Series;
import io.github.chaijlama.report.Table;

/**
 * What clusters save and what they cost, as the pages of calibration and evaluation both draw it.
 *
 * @param name               what was measured, empty for a step of a search
 * @param kvSaving           share of the K and V bytes that is saved, 0 to 1
 * @param perplexityIncrease relative to exact attention: 0.01 is one per cent more; NaN if it was not measured
 * @param kl                 mean Kullback-Leibler divergence from exact attention, nats per token; NaN if not measured
 * @param chosen             whether this one was taken
 */
record TradeOff(String name, double kvSaving, Estimate perplexityIncrease, double kl, boolean chosen) {

    /** A gain is worth room in a chart if it is larger than this share of the largest cost. */
    private static final double VISIBLE_GAIN = 0.05;

    /** Returns that of a step of a search. */
    static TradeOff of(QualityLoss loss, boolean chosen) {
        return new TradeOff("", loss.kvSaving(), increase(loss), loss.divergence().value(), chosen);
    }

    /** Returns that of an arm. */
    static TradeOff of(TextResult result) {
        return new TradeOff(result.arm().name(), 1 - result.kvCacheRelative(), result.perplexityIncrease(),
                result.divergence().value(), false);
    }

    /** Returns the increase in perplexity with the error of {@code exp(x) - 1}, by the delta method. */
    static Estimate increase(QualityLoss loss) {
        return new Estimate(loss.perplexityIncrease(),
                (1 + loss.perplexityIncrease()) * loss.logLossDifference().standardError());
    }

    /** What is drawn over the saving. */
    private enum Cost {
        PERPLEXITY("Perplexity", "Perplexity increase", "%", point -> 100 * point.perplexityIncrease.value(),
                point -> new Bar.Error(100 * point.perplexityIncrease.standardError())),
        DIVERGENCE("Divergence", "Mean KL", "nats per token", TradeOff::kl, _ -> Bar.NONE);

        private final String title;
        private final String label;
        private final String unit;
        private final ToDoubleFunction<TradeOff> value;
        private final Function<TradeOff, Bar> bar;

        Cost(String title, String label, String unit, ToDoubleFunction<TradeOff> value, Function<TradeOff, Bar> bar) {
            this.title = title;
            this.label = label;
            this.unit = unit;
            this.value = value;
            this.bar = bar;
        }

        Series series(String name, Series.Style style, List<TradeOff> points) {
            return new Series(name, style,
                    points.stream().map(this::point).filter(point -> Double.isFinite(point.y()))
                            .sorted(Comparator.comparingDouble(Point::x)).toList());
        }

        private Point point(TradeOff point) {
            return new Point(100 * point.kvSaving, value.applyAsDouble(point), bar.apply(point), point.name,
                    point.chosen);
        }
    }

    /** Returns the curves of perplexity and of KL over the saving, those that have values, by growing saving. */
    static List<Block> charts(List<TradeOff> points, Series.Style style) {
        return Stream.of(Cost.values())
                .flatMap(cost -> chart(cost, " against saving", List.of(cost.series("", style, points)))).toList();
    }

    /** Returns the same curves with what lies beyond the last of the points. */
    static List<Block> chartsBeyond(List<TradeOff> points, List<TradeOff> beyond) {
        List<TradeOff> joined = new ArrayList<>(beyond);
        joined.addFirst(points.getLast());
        return Stream.of(Cost.values())
                .flatMap(cost -> chart(cost, " beyond the budget",
                        List.of(cost.series("Search", Series.Style.LINE, points),
                                cost.series("Beyond", Series.Style.LINE, joined))))
                .toList();
    }

    private static Stream<Block> chart(Cost cost, String title, List<Series> series) {
        List<Point> points = series.stream().flatMap(one -> one.points().stream()).toList();
        if (points.isEmpty()) {
            return Stream.empty();
        }
        // A cost is read from zero, unless it is a gain; one that is lost in the others needs no grid line of its own.
        double least = points.stream().mapToDouble(Point::low).min().orElseThrow();
        double most = points.stream().mapToDouble(Point::high).max().orElseThrow();
        Axis y = Axis.of(cost.label, cost.unit, Axis.Scale.LINEAR);
        return Stream.of(new LineChart(cost.title + title,
                points.stream().anyMatch(Point::chosen) ? "The ring marks what was chosen." : "",
                Axis.of("K and V bytes saved", "%", Axis.Scale.LINEAR),
                -least > VISIBLE_GAIN * most ? y : y.from(Math.min(0, least)), series));
    }

    /** Returns all of them in figures. */
    static Table table(String caption, List<TradeOff> points) {
        boolean named = points.stream().map(TradeOff::name).anyMatch(name -> !name.isEmpty());
        List<List<String>> rows = new ArrayList<>();
        for (int i = 0; i < points.size(); i++) {
            TradeOff point = points.get(i);
            rows.add(List.of(named ? point.name : Integer.toString(i + 1), Numbers.percent(point.kvSaving, 1),
                    Wording.percent(point.perplexityIncrease, 2), Numbers.significant(point.kl),
                    point.chosen ? "chosen" : ""));
        }
        return new Table(caption,
                List.of(named ? "" : "Step", "K and V bytes saved", "Perplexity increase (%)",
                        "KL (nats per token)", ""),
                rows, List.of(Table.Alignment.TEXT, Table.Alignment.NUMBER, Table.Alignment.NUMBER,
                        Table.Alignment.NUMBER, Table.Alignment.TEXT));
    }
}
