// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * What counts would cost and save if that of single layers added up. It does not quite, but it tells what is worth
 * measuring.
 *
 * @param layers what each layer costs
 */
record AdditiveEstimate(List<LayerCosts> layers) {
    /** Savings closer than this are equal but for rounding. */
    static final double SAME_SAVING = 1e-9;
    private static final int LONGEST_STEP = 2;

    /**
     * One layer getting clusters back and another giving some up.
     *
     * @param divergence by how much that raises the divergence
     */
    record Exchange(LayerMove up, LayerMove down, double divergence) {

        ClusterCounts from(ClusterCounts counts) {
            return down.from(up.from(counts));
        }
    }

    /** Measures each layer alone. */
    static AdditiveEstimate measure(List<Ladder> ladders, QualityBudget budget,
            Function<ClusterCounts, QualityLoss> measure) {
        ClusterCounts exact = exact(ladders);
        List<LayerCosts> layers = new ArrayList<>();
        for (int index = 0; index < ladders.size(); index++) {
            int layer = index;
            layers.add(LayerCosts.measure(layer, ladders.get(layer), budget,
                    clusters -> measure.apply(exact.with(layer, clusters))));
        }
        return new AdditiveEstimate(layers);
    }

    private static ClusterCounts exact(List<Ladder> ladders) {
        return new ClusterCounts(ladders.stream().map(Ladder::heads).toList());
    }

    /** Returns the counts of exact attention. */
    ClusterCounts exact() {
        return exact(layers.stream().map(LayerCosts::ladder).toList());
    }

    List<LayerSensitivity> sensitivities() {
        return layers.stream().flatMap(layer -> layer.measured().stream()).toList();
    }

    double saving(ClusterCounts counts) {
        return layers.stream().mapToDouble(layer -> layer.saving(counts.of(layer.layer()))).sum();
    }

    private double price(ClusterCounts from, LayerMove move) {
        return layers.get(move.layer()).price(from.of(move.layer()), move.clusters());
    }

    /** Returns the counts of rising saving that cost least, from exact attention on. */
    List<ClusterCounts> way() {
        List<LayerMove> steps = new ArrayList<>();
        for (LayerCosts layer : layers) {
            OptionalInt next = layer.hullStep(layer.ladder().heads());
            while (next.isPresent()) {
                steps.add(new LayerMove(layer.layer(), next.getAsInt()));
                next = layer.hullStep(next.getAsInt());
            }
        }
        List<ClusterCounts> way = new ArrayList<>(List.of(exact()));
        while (!steps.isEmpty()) {
            ClusterCounts from = way.getLast();
            // The steps of a layer get dearer from one to the next, so this keeps their order.
            LayerMove cheapest = Collections.min(steps, Comparator.comparingDouble(step -> price(from, step)));
            steps.remove(cheapest);
            way.add(cheapest.from(from));
        }
        return way;
    }

    /** Returns the steps of one layer down by one or two rungs that save something, the cheapest first. */
    List<LayerMove> steps(ClusterCounts from) {
        List<LayerMove> steps = new ArrayList<>();
        for (LayerCosts layer : layers) {
            int clusters = from.of(layer.layer());
            stepsDown(layer, clusters).filter(fewer -> layer.saves(clusters, fewer))
                    .forEach(fewer -> steps.add(new LayerMove(layer.layer(), fewer)));
        }
        steps.sort(Comparator.comparingDouble(step -> price(from, step)));
        return steps;
    }

    private static IntStream stepsDown(LayerCosts layer, int clusters) {
        return layer.knownBelow(clusters).limit(LONGEST_STEP);
    }

    /** Returns the exchanges that save no less, the least divergence first. */
    List<Exchange> exchanges(ClusterCounts from) {
        List<Exchange> exchanges = new ArrayList<>();
        for (LayerCosts up : layers) {
            up.ladder().above(from.of(up.layer())).ifPresent(more -> {
                for (LayerCosts down : layers) {
                    if (down.layer() != up.layer()) {
                        stepsDown(down, from.of(down.layer())).forEach(fewer -> addIfItSavesNoLess(exchanges, from,
                                new LayerMove(up.layer(), more), new LayerMove(down.layer(), fewer)));
                    }
                }
            });
        }
        exchanges.sort(Comparator.comparingDouble(Exchange::divergence));
        return exchanges;
    }

    private void addIfItSavesNoLess(List<Exchange> exchanges, ClusterCounts from, LayerMove up, LayerMove down) {
        double saving = 0;
        double divergence = 0;
        for (LayerMove move : List.of(up, down)) {
            LayerCosts layer = layers.get(move.layer());
            int clusters = from.of(move.layer());
            saving += layer.saving(move.clusters()) - layer.saving(clusters);
            divergence += layer.divergence(move.clusters()) - layer.divergence(clusters);
        }
        if (saving > -SAME_SAVING) {
            exchanges.add(new Exchange(up, down, divergence));
        }
    }
}
