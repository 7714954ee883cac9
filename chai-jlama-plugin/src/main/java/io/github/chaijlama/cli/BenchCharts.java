// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

import io.github.chaijlama.bench.BenchArm;
import io.github.chaijlama.bench.Benchmark;
import io.github.chaijlama.bench.LayerCost;
import io.github.chaijlama.bench.Measurement;
import io.github.chaijlama.bench.Spread;
import io.github.chaijlama.report.Axis;
import io.github.chaijlama.report.Bar;
import io.github.chaijlama.report.LineChart;
import io.github.chaijlama.report.Point;
import io.github.chaijlama.report.Series;

/** The charts of a benchmark: times over context lengths, both axes logarithmic, a line an arm. */
final class BenchCharts {
    private static final String BARS = "Bars reach from the smallest to the largest run.";
    /** Room at both ends of the axis of contexts, as a factor. */
    private static final double MARGIN = 1.2;

    private final List<Measurement> measurements;
    private final Benchmark.Result result;

    /** @param result with one measurement at least */
    BenchCharts(Benchmark.Result result) {
        this.result = result;
        this.measurements = result.measurements().stream().sorted(Comparator.comparingInt(Measurement::context))
                .toList();
    }

    LineChart prefill() {
        return chart("Time to first token", BARS, arms(Measurement::prefillMillis));
    }

    LineChart decode() {
        return chart("One more token", BARS, arms(Measurement::decodeMillis));
    }

    LineChart prefillAttention() {
        List<Series> series = arms(Measurement::prefillAttentionMillis);
        series.add(peak(result.peaks().gflops(), LayerCost::prefillFlops));
        return chart("Attention alone, prefill, a layer", BARS + " The broken line is what the operations would take "
                + "at the measured peak of the machine.", series);
    }

    LineChart decodeAttention() {
        List<Series> series = arms(Measurement::decodeAttentionMillis);
        series.add(peak(result.peaks().readGigabytes(), LayerCost::decodeBytes));
        return chart("Attention alone, one more token, a layer", BARS + " The broken line is what the arm with most "
                + "keys and values would take to read them at the measured peak of the machine.", series);
    }

    private LineChart chart(String title, String caption, List<Series> series) {
        List<Double> contexts = measurements.stream().map(measurement -> (double) measurement.context()).distinct()
                .toList();
        Axis x = Axis.of("Tokens before", "", Axis.Scale.LOGARITHMIC).withTicks(contexts)
                .between(contexts.getFirst() / MARGIN, contexts.getLast() * MARGIN);
        return new LineChart(title, caption, x, Axis.of("Time", "ms", Axis.Scale.LOGARITHMIC), series);
    }

    /** Returns a line for each arm. A difference that is not positive has no place on a logarithmic axis. */
    private List<Series> arms(Function<Measurement, Spread> millis) {
        List<Series> series = new ArrayList<>();
        for (BenchArm arm : result.measurements().stream().map(Measurement::arm).distinct().toList()) {
            series.add(new Series(arm.label(), Series.Style.LINE,
                    measurements.stream().filter(measurement -> measurement.arm().equals(arm))
                            .map(measurement -> point(measurement.context(), millis.apply(measurement))).toList()));
        }
        return series;
    }

    private static Point point(int context, Spread millis) {
        return Point.of(context, millis.median()).with(new Bar.Range(millis.min(), millis.max()));
    }

    /**
     * Returns what the machine would need at least.
     *
     * @param peak   1e9 a second
     * @param amount of work of a layer, the most of all layers and arms
     */
    private Series peak(Spread peak, ToDoubleFunction<LayerCost> amount) {
        List<Point> points = measurements.stream().map(Measurement::context).distinct().map(context -> {
            double most = measurements.stream().filter(measurement -> measurement.context() == context)
                    .flatMap(measurement -> measurement.layers().stream()).mapToDouble(amount).max().orElseThrow()
                    / 1e6;
            return point(context, new Spread(most / peak.median(), most / peak.max(), most / peak.min()));
        }).toList();
        return new Series("peak of the machine", Series.Style.REFERENCE, points);
    }
}
