// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What a calibration found, as numbers. Immutable. What is empty has no place in the report.
 *
 * @param subtitle   one line about the run
 * @param keyFigures the results a hurried reader wants, such as the saving and its cost
 * @param remarks    what must not be overlooked, such as why the search ended
 * @param model      the model in words
 * @param settings   the settings of the run, texts included
 * @param layers     the layers, from the first
 * @param search     the search for counts inside the budget, in the order of the search
 * @param beyond     what follows its last step, to where quality breaks
 * @param comparison other choices that were measured
 * @param versions   versions of program, libraries, Java and machine
 */
public record CalibrationReport(String subtitle, List<Entry> keyFigures, List<String> remarks, List<Entry> model,
        List<Entry> settings, List<Layer> layers, List<TradeOff> search,
        List<TradeOff> beyond, List<Table> comparison, List<Entry> versions) {

    /**
     * What was found about a layer of {@code H} heads. Immutable.
     *
     * @param error       error of k-means with k = 1 to H clusters, {@code (H)}
     * @param elbow       number of clusters at the elbow of the error, 1 to H
     * @param clusters    the count that was chosen, 1 to H; H means that the layer stays exact
     * @param redundant   whether the layer has redundancy at all, by the rule that decides on it
     * @param similarity  mean similarity of the heads' attention, 1 for equal, {@code (H, H)}; empty if not known
     * @param member      cluster of each head, {@code (H)}; empty if not known
     * @param sensitivity what it costs to cluster this layer alone; empty if not measured
     */
    public record Layer(List<Double> error, int elbow, int clusters, boolean redundant, List<List<Double>> similarity,
            List<Integer> member, List<Sensitivity> sensitivity) {

        /** @throws IllegalArgumentException if the parts do not fit each other */
        public Layer {
            error = List.copyOf(error);
            similarity = similarity.stream().map(List::copyOf).toList();
            member = List.copyOf(member);
            sensitivity = List.copyOf(sensitivity);
            int heads = error.size();
            if (clusters < 1 || clusters > heads) {
                throw new IllegalArgumentException(
                        "a layer of " + heads + " heads cannot have " + clusters + " clusters");
            }
            if (!similarity.isEmpty() && similarity.size() != heads || !member.isEmpty() && member.size() != heads) {
                throw new IllegalArgumentException("a layer with errors of " + heads + " heads has similarities of "
                        + similarity.size() + " and members of " + member.size());
            }
        }

        int heads() {
            return error.size();
        }

        boolean exact() {
            return clusters == heads();
        }

        /** Returns the error with k clusters as a share of that with one. */
        double share(int k) {
            return error.getFirst() > 0 ? error.get(k - 1) / error.getFirst() : 0;
        }

        String choice() {
            return exact() ? "exact, " + heads() + " heads" : clusters + " of " + heads();
        }

        /** Returns the clusters with more than one head, such as {@code 0 3 5 · 1 2}. */
        String shared() {
            return IntStream.range(0, member.size()).boxed()
                    .collect(Collectors.groupingBy(member::get, TreeMap::new, Collectors.toList())).values().stream()
                    .filter(heads -> heads.size() > 1)
                    .map(heads -> heads.stream().map(String::valueOf).collect(Collectors.joining(" ")))
                    .collect(Collectors.joining(" · "));
        }
    }

    /**
     * What it costs to cluster one layer and no other.
     *
     * @param clusters clusters of the layer
     * @param kl       mean Kullback-Leibler divergence from exact attention, nats per token
     */
    public record Sensitivity(int clusters, double kl) {}

    public CalibrationReport {
        keyFigures = List.copyOf(keyFigures);
        remarks = List.copyOf(remarks);
        model = List.copyOf(model);
        settings = List.copyOf(settings);
        layers = List.copyOf(layers);
        search = List.copyOf(search);
        beyond = List.copyOf(beyond);
        comparison = List.copyOf(comparison);
        versions = List.copyOf(versions);
    }

    /** Returns the report. */
    public Report report() {
        List<Section> sections = new ArrayList<>();
        sections.add(Sections.result(keyFigures, remarks, model));
        if (!layers.isEmpty()) {
            sections.add(layersSection());
            sections.add(elbows());
        }
        if (layers.stream().anyMatch(layer -> !layer.similarity.isEmpty())) {
            sections.add(similarities());
        }
        if (layers.stream().anyMatch(layer -> !layer.sensitivity.isEmpty())) {
            sections.add(sensitivities());
        }
        if (!search.isEmpty()) {
            sections.add(searchSection());
        }
        if (!comparison.isEmpty()) {
            sections.add(new Section("Choices compared", "", List.copyOf(comparison)));
        }
        sections.add(Sections.settings(settings, versions));
        return new Report("Calibration of head clusters", subtitle, sections);
    }

    private Section layersSection() {
        int heads = layers.stream().mapToInt(Layer::heads).max().orElseThrow();
        List<Point> counts = new ArrayList<>();
        List<List<String>> rows = new ArrayList<>();
        for (int i = 0; i < layers.size(); i++) {
            Layer layer = layers.get(i);
            counts.add(Point.of(i, layer.clusters));
            rows.add(List.of(Integer.toString(i), Integer.toString(layer.clusters), Integer.toString(layer.elbow),
                    layer.redundant ? "yes" : "no", Numbers.percent(layer.share(layer.clusters), 1),
                    layer.exact() ? "exact" : layer.shared()));
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
            Layer layer = layers.get(i);
            List<Point> points = IntStream.rangeClosed(1, layer.heads())
                    .mapToObj(k -> new Point(k, 100 * layer.share(k), 0, "", k == layer.clusters)).toList();
            charts.add(new LineChart("Layer " + i, layer.choice() + "; elbow at " + layer.elbow,
                    Axis.of("Clusters", "", Axis.Scale.INTEGER).between(1, Math.max(2, layer.heads())),
                    Axis.of("Error", "%", Axis.Scale.LINEAR).between(0, 100),
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
            Layer layer = layers.get(i);
            if (!layer.similarity.isEmpty()) {
                List<Integer> heads = IntStream.range(0, layer.heads()).boxed().toList();
                charts.add(new HeatMap("Layer " + i, layer.choice(), heads.stream().map(String::valueOf).toList(),
                        layer.similarity, layer.member.isEmpty() ? heads : layer.member, 0, 1));
            }
        }
        return new Section("Similarity of heads",
                "How alike the attention of two heads is, averaged over the samples. Heads stand in the order of their "
                        + "clusters; heads that share a cluster stand in a frame.",
                List.of(new ChartGrid("Head against head", charts)));
    }

    private Section sensitivities() {
        double[] positive = layers.stream().flatMap(layer -> layer.sensitivity.stream())
                .mapToDouble(Sensitivity::kl).filter(kl -> kl > 0 && Double.isFinite(kl)).toArray();
        Ticks range = Ticks.of(Axis.of("", "", Axis.Scale.LOGARITHMIC), positive, 0, 1, 4);
        List<Chart> charts = new ArrayList<>();
        for (int i = 0; i < layers.size(); i++) {
            Layer layer = layers.get(i);
            List<Point> points = layer.sensitivity.stream().map(
                    cost -> new Point(cost.clusters, cost.kl, 0, "", cost.clusters == layer.clusters)).toList();
            charts.add(new LineChart("Layer " + i, layer.choice(),
                    Axis.of("Clusters", "", Axis.Scale.INTEGER).between(1, Math.max(2, layer.heads())),
                    Axis.of("KL", "nats per token", Axis.Scale.LOGARITHMIC).between(range.min(), range.max()),
                    List.of(new Series("", Series.Style.LINE, points))));
        }
        return new Section("Sensitivity of each layer",
                "What it costs to cluster one layer while all others stay exact: mean KL from exact attention, on a "
                        + "logarithmic axis. A layer high up should stay exact. The ring marks the chosen count.",
                List.of(new ChartGrid("KL over clusters", charts)));
    }

    private Section searchSection() {
        List<Block> blocks = new ArrayList<>(TradeOff.charts(search, Series.Style.LINE));
        blocks.add(TradeOff.table("The steps of the search", search));
        if (!beyond.isEmpty()) {
            blocks.addAll(TradeOff.chartsBeyond(search, beyond));
            blocks.add(TradeOff.table("Beyond the budget", beyond));
        }
        return new Section("Quality against saving",
                "The counts that the search tried, measured on the held-out texts that steered it.", blocks);
    }
}
