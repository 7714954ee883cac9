// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;

/**
 * What a number of clusters per layer saves and what it costs, measured.
 *
 * @param name               what was measured, empty for a step of a search
 * @param kvSaving           share of the K and V bytes that is saved, 0 to 1
 * @param perplexityIncrease relative to exact attention: 0.01 is one per cent more; NaN if it was not measured
 * @param perplexityError    standard error of the increase, NaN if it is not known
 * @param kl                 mean Kullback-Leibler divergence from exact attention, nats per token; NaN if not measured
 * @param chosen             whether this one was taken
 */
public record TradeOff(String name, double kvSaving, double perplexityIncrease, double perplexityError, double kl,
        boolean chosen) {

    /** Returns the curves of perplexity and of KL over the saving, those that have values, by growing saving. */
    static List<Block> charts(List<TradeOff> points, Series.Style style) {
        List<Block> charts = new ArrayList<>();
        Axis saving = Axis.of("K and V bytes saved", "%", Axis.Scale.LINEAR);
        add(charts, points, style, "Perplexity against saving", saving,
                Axis.of("Perplexity increase", "%", Axis.Scale.LINEAR), point -> 100 * point.perplexityIncrease,
                point -> 100 * point.perplexityError);
        add(charts, points, style, "Divergence against saving", saving,
                Axis.of("Mean KL", "nats per token", Axis.Scale.LINEAR), TradeOff::kl, _ -> Double.NaN);
        return charts;
    }

    private static void add(List<Block> charts, List<TradeOff> points, Series.Style style, String title, Axis x, Axis y,
            ToDoubleFunction<TradeOff> value, ToDoubleFunction<TradeOff> error) {
        List<Point> places = points.stream().filter(point -> Double.isFinite(value.applyAsDouble(point)))
                .map(point -> new Point(100 * point.kvSaving, value.applyAsDouble(point),
                        Math.max(0, orZero(error.applyAsDouble(point))), point.name, point.chosen))
                .sorted(Comparator.comparingDouble(Point::x)).toList();
        if (!places.isEmpty()) {
            boolean chosen = points.stream().anyMatch(TradeOff::chosen);
            // A cost is read from zero, unless it is a gain.
            boolean gain = places.stream().anyMatch(point -> point.y() - point.error() < 0);
            Axis fromZero = gain ? y : new Axis(y.label(), y.unit(), y.scale(), OptionalDouble.of(0), y.max());
            charts.add(new LineChart(title, chosen ? "The ring marks what was chosen." : "", x, fromZero,
                    List.of(new Series("", style, places))));
        }
    }

    private static double orZero(double value) {
        return Double.isFinite(value) ? value : 0;
    }

    /** Returns all of them in figures. */
    static Table table(String caption, List<TradeOff> points) {
        boolean named = points.stream().map(TradeOff::name).anyMatch(name -> !name.isEmpty());
        List<List<String>> rows = new ArrayList<>();
        for (int i = 0; i < points.size(); i++) {
            TradeOff point = points.get(i);
            rows.add(List.of(named ? point.name : Integer.toString(i + 1), Numbers.percent(point.kvSaving, 1),
                    new Estimate(point.perplexityIncrease, point.perplexityError).percent().text(2),
                    Numbers.significant(point.kl), point.chosen ? "chosen" : ""));
        }
        return new Table(caption,
                List.of(named ? "" : "Step", "K and V bytes saved", "Perplexity increase (%)",
                        "KL (nats per token)", ""),
                rows, List.of(Table.Alignment.TEXT, Table.Alignment.NUMBER, Table.Alignment.NUMBER,
                        Table.Alignment.NUMBER, Table.Alignment.TEXT));
    }
}
