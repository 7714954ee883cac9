// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.awt.BasicStroke;
import java.awt.Color;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.util.ArrayList;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler.LegendLayout;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.lines.SeriesLines;

/**
 * Draws what a benchmark gave: times over context lengths, both axes logarithmic, a line an arm. Needs no display.
 */
public final class ResultChart {
    private static final int WIDTH = 860;
    private static final int HEIGHT = 520;
    private static final BasicStroke LINE = new BasicStroke(2.2f);

    private final String title;
    private final Benchmark.Result result;

    /**
     * Creates a chart.
     *
     * @param title  what was measured
     * @param result with one measurement at least
     */
    public ResultChart(String title, Benchmark.Result result) {
        this.title = title;
        this.result = result;
    }

    /**
     * Writes the chart as a PNG image, whole or not at all.
     *
     * @throws IOException if the file cannot be written, or this Java cannot draw
     */
    public void write(Path file) throws IOException {
        Path target = file.toAbsolutePath();
        Path part = target.resolveSibling(target.getFileName() + "." + UUID.randomUUID() + ".part");
        try {
            try (OutputStream out = Files.newOutputStream(part)) {
                BitmapEncoder.saveBitmap(panels(), 2, 2, out, BitmapFormat.PNG);
            }
            Files.move(part, target, StandardCopyOption.REPLACE_EXISTING);
        } catch (LinkageError | InternalError | RuntimeException e) { // without desktop libraries, or without fonts
            throw new IOException("this Java cannot draw: " + e, e);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    private List<XYChart> panels() {
        XYChart prefill = panel("attention alone, prefill, a layer", "milliseconds",
                measurement -> mean(measurement, cost -> cost.prefillMillis().median()));
        addLimit(prefill, "peak of the machine",
                cost -> cost.prefillFlops() / result.peaks().gflops().median() / 1e6);
        XYChart decode = panel("attention alone, one more token, a layer", "milliseconds",
                measurement -> mean(measurement, cost -> cost.decodeMillis().median()));
        addLimit(decode, "peak of the machine",
                cost -> cost.decodeBytes() / result.peaks().readGigabytes().median() / 1e6);
        return List.of(
                panel("time to first token", "milliseconds", measurement -> measurement.prefillMillis().median()),
                panel("one more token", "milliseconds", measurement -> measurement.decodeMillis().median()), prefill,
                decode);
    }

    private XYChart panel(String what, String unit, ToDoubleFunction<Measurement> value) {
        XYChart chart = new XYChartBuilder().width(WIDTH).height(HEIGHT).title(title + ": " + what)
                .xAxisTitle("tokens before").yAxisTitle(unit).build();
        chart.getStyler().setXAxisLogarithmic(true).setYAxisLogarithmic(true).setXAxisLogarithmicDecadeOnly(false)
                .setYAxisLogarithmicDecadeOnly(false).setChartBackgroundColor(Color.WHITE)
                .setLegendPosition(LegendPosition.OutsideE).setLegendLayout(LegendLayout.Vertical).setMarkerSize(7);
        for (BenchArm arm : result.measurements().stream().map(Measurement::arm).distinct().toList()) {
            List<Measurement> measured = result.measurements().stream()
                    .filter(measurement -> measurement.arm().equals(arm)).toList();
            add(chart, arm.label(), measured.stream().map(Measurement::context).toList(),
                    measured.stream().map(value::applyAsDouble).toList());
        }
        chart.getStyler().setXAxisTickLabelsFormattingFunction(
                labels(result.measurements().stream().mapToDouble(Measurement::context).summaryStatistics()));
        chart.getStyler().setYAxisTickLabelsFormattingFunction(
                labels(result.measurements().stream().mapToDouble(value).summaryStatistics()));
        return chart;
    }

    /** Adds what the machine would need at least. */
    private void addLimit(XYChart chart, String name, ToDoubleFunction<LayerCost> millis) {
        List<Integer> contexts = result.measurements().stream().map(Measurement::context).distinct().toList();
        List<Double> limits = contexts.stream().map(context -> result.measurements().stream()
                .filter(measurement -> measurement.context() == context)
                .flatMap(measurement -> measurement.layers().stream()).mapToDouble(millis).max().orElseThrow())
                .toList();
        XYSeries series = add(chart, name, contexts, limits);
        if (series != null) {
            series.setMarkerColor(Color.GRAY);
            series.setLineStyle(SeriesLines.DASH_DASH);
            series.setLineColor(Color.GRAY);
        }
    }

    /** Adds a line; a difference that is not positive has no place on a logarithmic axis. */
    private static XYSeries add(XYChart chart, String name, List<Integer> contexts, List<Double> values) {
        List<Integer> x = new ArrayList<>();
        List<Double> y = new ArrayList<>();
        for (int i = 0; i < values.size(); i++) {
            if (values.get(i) > 0) {
                x.add(contexts.get(i));
                y.add(values.get(i));
            }
        }
        if (x.isEmpty()) {
            return null;
        }
        XYSeries series = chart.addSeries(name, x, y);
        series.setLineStyle(LINE);
        return series;
    }

    /**
     * Returns how ticks are labelled: where an axis has many decades, only 1, 2 and 5 of each, or labels run into each
     * other.
     */
    static Function<Double, String> labels(DoubleSummaryStatistics values) {
        boolean all = values.getMax() < 4 * values.getMin();
        return value -> {
            int first = (int) Math.round(value / Math.pow(10, Math.floor(Math.log10(value) + 1e-9)));
            return all || first == 1 || first == 2 || first == 5
                    ? new DecimalFormat("#,##0.###", DecimalFormatSymbols.getInstance(Locale.ROOT)).format(value)
                    : " ";
        };
    }

    private static double mean(Measurement measurement, ToDoubleFunction<LayerCost> value) {
        int layers = measurement.layers().stream().mapToInt(LayerCost::layers).sum();
        return measurement.layers().stream().mapToDouble(cost -> value.applyAsDouble(cost) * cost.layers()).sum()
                / layers;
    }
}
