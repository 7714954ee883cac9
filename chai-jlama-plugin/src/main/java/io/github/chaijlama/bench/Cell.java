// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;

import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.model.HeadLayout;

/** What one arm at one context length gave, run by run. */
final class Cell {
    private final BenchArm arm;
    private final int context;
    private final List<PhaseTimes> prefills = new ArrayList<>();
    private final List<PhaseTimes> decodes = new ArrayList<>();
    private List<HeadClusters> clusters = List.of();
    private long kvCacheBytes;

    Cell(BenchArm arm, int context) {
        this.arm = arm;
        this.context = context;
    }

    BenchArm arm() {
        return arm;
    }

    int context() {
        return context;
    }

    int runs() {
        return prefills.size();
    }

    /**
     * Adds a run.
     *
     * @param decode   a step's times, on the average
     * @param clusters each layer's after the prompt
     */
    void add(PhaseTimes prefill, PhaseTimes decode, List<HeadClusters> clusters, long kvCacheBytes) {
        prefills.add(prefill);
        decodes.add(decode);
        this.clusters = clusters;
        this.kvCacheBytes = kvCacheBytes;
    }

    /**
     * Returns the results of at least one run.
     *
     * @param wholeClusters clusters of each layer of the whole model; empty if all layers were measured
     */
    Measurement toMeasurement(List<HeadLayout> heads, int decodeTokens, List<Integer> wholeClusters) {
        return new Measurement(arm, context, runs(), spread(prefills, PhaseTimes::total),
                spread(decodes, PhaseTimes::total), spread(prefills, PhaseTimes::meanAttention),
                spread(decodes, PhaseTimes::meanAttention), kvCacheBytes, layerCosts(heads, decodeTokens),
                ProductCost.of(prefills.stream().map(PhaseTimes::products).toList(),
                        decodes.stream().map(PhaseTimes::products).toList()),
                StepParts.medianOf(prefills.stream().map(PhaseTimes::parts).toList()),
                StepParts.medianOf(decodes.stream().map(PhaseTimes::parts).toList()),
                wholeClusters.isEmpty() ? Optional.empty() : Optional.of(wholeModel(heads, wholeClusters)));
    }

    private static Spread spread(List<PhaseTimes> runs, Function<PhaseTimes, Double> value) {
        return Spread.of(runs.stream().map(value).toList());
    }

    private List<Integer> clusterCounts() {
        return clusters.stream().map(HeadClusters::numberOfClusters).toList();
    }

    private List<LayerCost> layerCosts(List<HeadLayout> heads, int decodeTokens) {
        List<Integer> counts = clusterCounts();
        double[] bytes = bytesPerToken(heads);
        return counts.stream().distinct().sorted(Comparator.reverseOrder()).map(count -> {
            int[] layers = IntStream.range(0, counts.size()).filter(layer -> counts.get(layer).equals(count)).toArray();
            return new LayerCost(count, layers.length, spread(prefills, run -> mean(run.attention(), layers)),
                    spread(decodes, run -> mean(run.attention(), layers)),
                    Arrays.stream(layers).mapToDouble(layer -> AttentionCost.prefillFlops(context, heads.get(layer)))
                            .average().orElseThrow(),
                    AttentionCost.decodeBytes(context, decodeTokens, mean(bytes, layers)));
        }).toList();
    }

    private static double mean(double[] perLayer, int[] layers) {
        return Arrays.stream(layers).mapToDouble(layer -> perLayer[layer]).average().orElseThrow();
    }

    /** Bytes each layer stores for a position: what is stored, by the values that each layer keeps. */
    private double[] bytesPerToken(List<HeadLayout> heads) {
        int[] stored = IntStream.range(0, clusters.size())
                .map(layer -> AttentionCost.storedHeads(clusters.get(layer), heads.get(layer))
                        * heads.get(layer).headSize())
                .toArray();
        double bytesOfValue = kvCacheBytes / (double) context / Arrays.stream(stored).sum();
        return Arrays.stream(stored).mapToDouble(values -> values * bytesOfValue).toArray();
    }

    private WholeModel wholeModel(List<HeadLayout> heads, List<Integer> wholeClusters) {
        List<Integer> counts = clusterCounts();
        boolean clustered = counts.stream().anyMatch(count -> count < heads.getFirst().numberOfHeads());
        List<Integer> whole = clustered ? wholeClusters
                : Collections.nCopies(wholeClusters.size(), heads.getFirst().numberOfHeads());
        return new WholeModel(whole.size(), spread(prefills, run -> run.extrapolate(counts, whole)),
                spread(decodes, run -> run.extrapolate(counts, whole)),
                Math.round(context * PhaseTimes.scale(bytesPerToken(heads), counts, whole)));
    }
}
