// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * What clustering a single layer costs, all others exact.
 *
 * @param layer    the layer
 * @param ladder   numbers of clusters to try
 * @param saving   what is to be saved
 * @param measured what they cost, from the top of the ladder to where it was of no use to go on
 */
record LayerCosts(int layer, Ladder ladder, Saving saving, List<LayerSensitivity> measured) {
    /** In a row: one bad number may have unlucky clusters, where fewer have lucky ones. */
    private static final int MAX_OUTSIDE = 2;

    LayerCosts {
        measured = List.copyOf(measured);
    }

    /**
     * Measures down the ladder, until the cost is beyond twice the bound.
     *
     * @param measure measures a number of clusters
     */
    static LayerCosts measure(int layer, Ladder ladder, QualityBudget budget, IntFunction<QualityLoss> measure) {
        List<LayerSensitivity> measured = new ArrayList<>();
        int outside = 0;
        for (int clusters : ladder.below(ladder.heads())) {
            if (outside < MAX_OUTSIDE) {
                QualityLoss loss = measure.apply(clusters);
                measured.add(new LayerSensitivity(layer, clusters, loss));
                outside = budget.excess(loss) > budget.limit() ? outside + 1 : 0;
            }
        }
        return new LayerCosts(layer, ladder, budget.saving(), measured);
    }

    /** Whether it is known what a number of clusters costs, and it breaks no answer even alone. */
    boolean isKnown(int clusters) {
        return clusters == ladder.heads() || measured.stream()
                .anyMatch(known -> known.clusters() == clusters && known.loss().brokenAnswers() == 0);
    }

    /** Returns the known numbers below one, the nearest first. */
    IntStream knownBelow(int clusters) {
        return ladder.below(clusters).stream().filter(this::isKnown).mapToInt(Integer::intValue);
    }

    double divergence(int clusters) {
        return clusters == ladder.heads() ? 0 : loss(clusters).divergence().value();
    }

    double saving(int clusters) {
        return clusters == ladder.heads() ? 0 : saving.of(loss(clusters));
    }

    private QualityLoss loss(int clusters) {
        return measured.stream().filter(known -> known.clusters() == clusters).findFirst().orElseThrow().loss();
    }

    boolean saves(int from, int to) {
        return saving(to) > saving(from);
    }

    /** Returns the divergence per share saved, on the way from one number of clusters to another. */
    double price(int from, int to) {
        return (divergence(to) - divergence(from)) / (saving(to) - saving(from));
    }

    /**
     * Returns the next corner of the lower convex hull of divergence over saving: the number below that saves at the
     * least price, the nearest of equal ones.
     */
    OptionalInt hullStep(int from) {
        return knownBelow(from).filter(to -> saves(from, to)).boxed()
                .min(Comparator.comparingDouble(to -> price(from, to))).stream().mapToInt(Integer::intValue)
                .findFirst();
    }
}
