// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

import io.github.chaijlama.report.Axis;
import io.github.chaijlama.report.Chart;
import io.github.chaijlama.report.ChartGrid;
import io.github.chaijlama.report.HeatMap;
import io.github.chaijlama.report.LineChart;
import io.github.chaijlama.report.Numbers;
import io.github.chaijlama.report.Point;
import io.github.chaijlama.report.Section;
import io.github.chaijlama.report.Series;
import io.github.chaijlama.report.Table;

/** What the page of a calibration shows of its layers, from the first. */
final class LayerSections {
    private final List<CalibratedLayer> layers;

    private LayerSections(List<CalibratedLayer> layers) {
        this.layers = layers;
    }

    /** Returns the sections; what was not measured has none. */
    static List<Section> of(List<CalibratedLayer> layers) {
        List<Section> sections = new ArrayList<>();
        if (!layers.isEmpty()) {
            LayerSections parts = new LayerSections(layers);
            sections.addAll(List.of(parts.counts(), parts.elbows(), parts.similarities()));
            if (layers.stream().anyMatch(layer -> !layer.sensitivity().isEmpty())) {
                sections.add(parts.sensitivities());
            }
        }
        return sections;
    }

    private Section counts() {
        int heads = layers.stream().mapToInt(CalibratedLayer::heads).max().orElseThrow();
        List<Point> counts = new ArrayList<>();
        List<List<String>> rows = new ArrayList<>();
        for (int i = 0; i < layers.size(); i++) {
            CalibratedLayer layer = layers.get(i);
            counts.add(Point.of(i, layer.clusters()));
            rows.add(List.of(Integer.toString(i), Integer.toString(layer.clusters()),
                    Integer.toString(layer.found().elbow()), layer.isRedundant() ? "yes" : "no",
                    Numbers.percent(layer.errorShare(layer.clusters()), 1),
                    layer.isExact() ? "exact" : layer.shared()));
        }
        LineChart chart = new LineChart("Clusters of each layer",
                "A layer with as many clusters as heads keeps exact attention.",
                Axis.of("Layer", "", Axis.Scale.INTEGER), Axis.of("Clusters", "", Axis.Scale.INTEGER).between(0, heads),
                List.of(new Series("", Series.Style.LINE, counts)));
        Table table = new Table("The layers",
                List.of("Layer", "Clusters", "Elbow", "Redundant by rule", "Error left", "Heads that share"),
                rows,
                List.of(Table.Alignment.TEXT, Table.Alignment.NUMBER, Table.Alignment.NUMBER, Table.Alignment.TEXT,
                        Table.Alignment.NUMBER, Table.Alignment.TEXT));
        return new Section("Layers", "", List.of(chart, table));
    }

    private Section elbows() {
        List<Chart> charts = new ArrayList<>();
        for (int i = 0; i < layers.size(); i++) {
            CalibratedLayer layer = layers.get(i);
            List<Point> points = IntStream.rangeClosed(1, layer.heads())
                    .mapToObj(k -> Point.of(k, 100 * layer.errorShare(k)).chosen(k == layer.clusters())).toList();
            charts.add(new LineChart("Layer " + i, layer.choice() + "; elbow at " + layer.found().elbow(),
                    clusterAxis(layer), Axis.of("Error", "%", Axis.Scale.LINEAR).between(0, 100),
                    List.of(new Series("", Series.Style.LINE, points))));
        }
        return new Section("Elbow curves",
                "The error of k-means over the number of clusters, as a share of the error with one cluster. The ring "
                        + "marks the chosen count.",
                List.of(new ChartGrid("Error over clusters", charts)));
    }

    private Section similarities() {
        List<Chart> charts = new ArrayList<>();
        for (int i = 0; i < layers.size(); i++) {
            CalibratedLayer layer = layers.get(i);
            List<String> heads = IntStream.range(0, layer.heads()).mapToObj(String::valueOf).toList();
            charts.add(new HeatMap("Layer " + i, layer.choice(), heads, layer.found().similarity(), layer.members(), 0,
                    1));
        }
        return new Section("Similarity of heads",
                "How alike the attention of two heads is, averaged over the samples. Heads stand in the order of their "
                        + "clusters; heads that share a cluster stand in a frame.",
                List.of(new ChartGrid("Head against head", charts)));
    }

    private Section sensitivities() {
        double[] positive = layers.stream().flatMap(layer -> layer.sensitivity().stream())
                .mapToDouble(cost -> cost.loss().divergence().value()).filter(kl -> kl > 0 && Double.isFinite(kl))
                .toArray();
        Axis y = Axis.of("KL", "nats per token", Axis.Scale.LOGARITHMIC).around(positive);
        List<Chart> charts = new ArrayList<>();
        for (int i = 0; i < layers.size(); i++) {
            CalibratedLayer layer = layers.get(i);
            List<Point> points = layer.sensitivity().stream().map(cost -> Point
                    .of(cost.clusters(), cost.loss().divergence().value()).chosen(cost.clusters() == layer.clusters()))
                    .toList();
            charts.add(new LineChart("Layer " + i, layer.choice(), clusterAxis(layer), y,
                    List.of(new Series("", Series.Style.LINE, points))));
        }
        return new Section("Sensitivity of each layer",
                "What it costs to cluster one layer while all others stay exact: mean KL from exact attention, on a "
                        + "logarithmic axis. A layer high up should stay exact. The ring marks the chosen count.",
                List.of(new ChartGrid("KL over clusters", charts)));
    }

    private static Axis clusterAxis(CalibratedLayer layer) {
        return Axis.of("Clusters", "", Axis.Scale.INTEGER).between(1, Math.max(2, layer.heads()));
    }
}
