// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

import org.junit.jupiter.api.Test;

import io.github.chaijlama.calibrate.QualityBudget.Measure;
import io.github.chaijlama.evaluate.Estimate;

import static org.assertj.core.api.Assertions.assertThat;

class AdditiveEstimateTests {
    private static final Ladder LADDER = new Ladder(List.of(4, 3, 2, 1));
    /** Divergences of two layers with 3, 2 and 1 clusters; each cluster less saves an eighth. */
    private static final List<Map<Integer, Double>> DIVERGENCES = List.of(Map.of(3, 1.0, 2, 1.25, 1, 6.0),
            Map.of(3, 0.25, 2, 0.75, 1, 1.25));

    private final List<ClusterCounts> measured = new ArrayList<>();

    private static QualityLoss loss(double divergence, double saving) {
        return new QualityLoss(new Estimate(divergence, 0), new Estimate(divergence, 0), Optional.empty(), 1, saving);
    }

    private AdditiveEstimate estimate(double bound) {
        Function<ClusterCounts, QualityLoss> measure = counts -> {
            measured.add(counts);
            int layer = counts.of(0) == 4 ? 1 : 0;
            return loss(DIVERGENCES.get(layer).get(counts.of(layer)), (4 - counts.of(layer)) / 8.0);
        };
        return AdditiveEstimate.measure(List.of(LADDER, LADDER), new QualityBudget(Measure.DIVERGENCE, bound), measure);
    }

    private static ClusterCounts counts(Integer... perLayer) {
        return new ClusterCounts(List.of(perLayer));
    }

    @Test
    void eachLayerIsMeasuredAloneDownItsLadder() {
        assertThat(estimate(100).sensitivities()).hasSize(6).first()
                .isEqualTo(new LayerSensitivity(0, 3, loss(1.0, 0.125)));
        assertThat(measured).containsExactly(counts(3, 4), counts(2, 4), counts(1, 4), counts(4, 3), counts(4, 2),
                counts(4, 1));
    }

    @Test
    void twoCountsInARowBeyondTwiceTheBoundEndALayer() {
        AdditiveEstimate estimate = estimate(0.45);

        assertThat(measured).containsExactly(counts(3, 4), counts(2, 4), counts(4, 3), counts(4, 2), counts(4, 1));
        assertThat(estimate.layers().getFirst().isKnown(1)).isFalse();
        assertThat(estimate.layers().getFirst().isKnown(4)).as("exact attention costs nothing").isTrue();
        assertThat(estimate.steps(counts(2, 1))).isEmpty();
    }

    @Test
    void theWayGoesAlongTheLowerConvexHullsTheCheapestFirst() {
        // Layer 0 goes to 2 clusters for 5 a share, past 3 that would be 8, then to 1 for 38; layer 1 for 2, 4 and 4.
        assertThat(estimate(100).way()).containsExactly(counts(4, 4), counts(4, 3), counts(4, 2), counts(4, 1),
                counts(2, 1), counts(1, 1));
    }

    @Test
    void stepsGoOneOrTwoRungsDownTheCheapestFirst() {
        assertThat(estimate(100).steps(counts(4, 3))).containsExactly(new LayerMove(1, 2), new LayerMove(1, 1),
                new LayerMove(0, 2), new LayerMove(0, 3));
    }

    @Test
    void exchangesSaveNoLess() {
        List<AdditiveEstimate.Exchange> exchanges = estimate(100).exchanges(counts(2, 3));

        // Layer 0 may get a cluster back for one or two of layer 1, or layer 1 its last one for the last of layer 0.
        assertThat(exchanges).extracting(exchange -> exchange.from(counts(2, 3))).containsExactly(counts(3, 2),
                counts(3, 1), counts(1, 4));
        assertThat(exchanges.getFirst().divergence()).isEqualTo(0.25);
    }

    @Test
    void savingsOfLayersAddUp() {
        assertThat(estimate(100).saving(counts(2, 3))).isEqualTo(0.375);
        assertThat(estimate(100).saving(counts(4, 4))).isZero();
    }
}
