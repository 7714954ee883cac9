// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;

import io.github.chaijlama.calibrate.QualityBudget.Measure;
import io.github.chaijlama.evaluate.AnswerKind;
import io.github.chaijlama.evaluate.AnswerLoss;
import io.github.chaijlama.evaluate.Estimate;

import static org.assertj.core.api.Assertions.assertThat;

class BudgetSearchTests {
    private static final int HEADS = 4;
    private static final Ladder LADDER = new Ladder(List.of(4, 3, 2, 1));

    /** Losses that add up: what a head less costs in each layer. */
    private static Function<ClusterCounts, QualityLoss> additive(double... perHead) {
        return clusters -> {
            double divergence = 0;
            for (int layer = 0; layer < perHead.length; layer++) {
                divergence += perHead[layer] * (HEADS - clusters.of(layer));
            }
            return loss(clusters, divergence);
        };
    }

    private static QualityLoss loss(ClusterCounts clusters, double divergence) {
        int saved = clusters.perLayer().stream().mapToInt(count -> HEADS - count).sum();
        Estimate estimate = new Estimate(divergence, 0);
        return new QualityLoss(estimate, estimate, Optional.empty(), 1 - divergence,
                saved / (2.0 * HEADS * clusters.layers()));
    }

    private static SearchResult search(double bound, int maxMeasurements, Function<ClusterCounts, QualityLoss> measure,
            Function<ClusterCounts, QualityLoss> verify) {
        return new BudgetSearch(Collections.nCopies(3, LADDER), new QualityBudget(Measure.DIVERGENCE, bound),
                maxMeasurements, measure).run(verify, false);
    }

    @Test
    void takesHeadsFromTheLayersWhereTheyCostLeast() {
        Function<ClusterCounts, QualityLoss> measure = additive(10, 0.1, 1);
        SearchResult result = search(2.35, 1000, measure, measure);

        assertThat(result.found().clusters().perLayer()).containsExactly(4, 1, 2);
        assertThat(result.verified()).isEqualTo(result.found());
        assertThat(result.found().saving()).isEqualTo(5.0 / 24);
        assertThat(result.stopped()).contains("breaks the bound");
        assertThat(result.path().getFirst().clusters().perLayer()).containsExactly(4, 4, 4);
        assertThat(result.path()).allSatisfy(point -> assertThat(point.loss().divergence().value()).isLessThan(2.35));
    }

    @Test
    void nothingInsideTheBoundLeavesTheModelExact() {
        Function<ClusterCounts, QualityLoss> measure = additive(10, 10, 10);
        SearchResult result = search(1, 1000, measure, measure);

        assertThat(result.found().clusters().perLayer()).containsExactly(4, 4, 4);
        assertThat(result.found().saving()).isZero();
        assertThat(result.path()).hasSize(1);
        assertThat(result.sensitivities()).extracting(LayerSensitivity::layer).contains(0, 1, 2);
    }

    @Test
    void layersThatDoNotGetOnTogetherAreFoundOut() {
        // Alone each is cheap; the first two together are not.
        Function<ClusterCounts, QualityLoss> measure = clusters -> {
            double divergence = additive(0.1, 0.11, 0.3).apply(clusters).divergence().value();
            boolean both = clusters.of(0) < HEADS && clusters.of(1) < HEADS;
            return loss(clusters, divergence + (both ? 5 : 0));
        };
        SearchResult result = search(1.21, 1000, measure, measure);

        assertThat(result.found().clusters().perLayer()).containsExactly(1, 4, 1);
    }

    @Test
    void anExchangeLeavesADeadEnd() {
        // The first step of layer 0 is nearly free and makes everything else impossible.
        Function<ClusterCounts, QualityLoss> measure = clusters -> {
            if (clusters.of(0) < HEADS) {
                boolean alone = clusters.of(1) == HEADS && clusters.of(2) == HEADS;
                return loss(clusters, alone && clusters.of(0) == 3 ? 0.01 : 50);
            }
            return additive(0, 0.1, 0.1).apply(clusters);
        };
        SearchResult result = search(1, 1000, measure, measure);

        assertThat(result.found().clusters().perLayer()).containsExactly(4, 1, 1);
    }

    @Test
    void whereLossesAddUpBisectionSavesMeasurements() {
        // 16 layers whose heads cost 1 to 16: the first 10 layers can have one cluster each, the next one two.
        double[] costs = IntStream.rangeClosed(1, 16).asDoubleStream().toArray();
        SearchResult result = new BudgetSearch(Collections.nCopies(16, LADDER),
                new QualityBudget(Measure.DIVERGENCE, 3 * 55 + 2 * 11 + 0.5), 1000, additive(costs))
                .run(additive(costs), false);

        assertThat(result.found().clusters().perLayer()).containsExactly(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 4, 4, 4,
                4);
        assertThat(result.measurements()).isLessThan(40);
    }

    @Test
    void whatOtherTextsDoNotConfirmIsTakenBack() {
        Function<ClusterCounts, QualityLoss> measure = additive(10, 0.1, 1);
        SearchResult result = search(2.35, 1000, measure, additive(10, 0.2, 2));

        assertThat(result.found().clusters().perLayer()).containsExactly(4, 1, 2);
        assertThat(result.verified().clusters().perLayer()).containsExactly(4, 1, 4);
        assertThat(result.verified().loss().divergence().value()).isLessThan(2.35);
    }

    @Test
    void theLimitEndsTheSearchAndIsSaid() {
        Function<ClusterCounts, QualityLoss> measure = additive(0.1, 0.1, 0.1);
        SearchResult result = search(100, 3, measure, measure);

        assertThat(result.stopped()).isEqualTo("the limit of 3 measurements is reached");
        assertThat(result.measurements()).isEqualTo(3);
        assertThat(result.found().saving()).isPositive();
    }

    @Test
    void goesOnBeyondTheBoundToWhereQualityBreaks() {
        Function<ClusterCounts, QualityLoss> measure = additive(0.1, 0.02, 0.03);
        SearchResult result = new BudgetSearch(Collections.nCopies(3, LADDER),
                new QualityBudget(Measure.DIVERGENCE, 0.16), 1000, measure).run(measure, true);

        List<Double> savings = new ArrayList<>(result.beyond().stream().map(QualityPoint::saving).toList());
        assertThat(savings).isSorted().allSatisfy(saving -> assertThat(saving).isGreaterThan(result.found().saving()));
        assertThat(result.beyond().getLast().clusters().perLayer()).containsExactly(1, 1, 1);
    }

    @Test
    void countsThatBreakAnAnswerAreRefusedWhateverTheMean() {
        Function<ClusterCounts, QualityLoss> cheap = additive(10, 0.1, 1);
        Function<ClusterCounts, QualityLoss> measure = clusters -> {
            QualityLoss loss = cheap.apply(clusters);
            // Layer 1 alone breaks a call with fewer than 3 clusters, layer 2 only beside a clustered layer 1.
            boolean breaks = clusters.of(1) < 3 || clusters.of(1) < HEADS && clusters.of(2) < 3;
            return new QualityLoss(loss.divergence(), loss.logLossDifference(), loss.accuracyDrop(), loss.agreement(),
                    loss.kvSaving(), 0, List.of(new AnswerLoss(AnswerKind.STRUCTURED, 9, 3, breaks ? 1 : 0)));
        };
        SearchResult result = search(2.35, 1000, measure, measure);

        assertThat(search(2.35, 1000, cheap, cheap).found().clusters().perLayer()).containsExactly(4, 1, 2);
        assertThat(result.found().clusters().perLayer()).containsExactly(4, 3, 3);
        assertThat(result.path()).allSatisfy(point -> assertThat(point.loss().brokenAnswers()).isZero());
        assertThat(search(2.35, 1000, cheap, measure).verified().loss().brokenAnswers()).isZero();
    }

    @Test
    void timeIsSavedWhereStepsSaveNoBytes() {
        // Bytes go only where a layer has a single cluster, which nothing affords; scores go with every cluster.
        Function<ClusterCounts, QualityLoss> measure = clusters -> {
            QualityLoss loss = additive(1, 1, 0.1).apply(clusters);
            long freed = clusters.perLayer().stream().filter(count -> count == 1).count();
            return new QualityLoss(loss.divergence(), loss.logLossDifference(), Optional.empty(), 1, freed / 6.0,
                    2 * loss.kvSaving(), List.of());
        };
        QualityBudget budget = new QualityBudget(Measure.DIVERGENCE, 0.25);
        List<Ladder> ladders = Collections.nCopies(3, new Ladder(List.of(4, 3, 2)));

        assertThat(new BudgetSearch(ladders, budget, 1000, measure).run(measure, false).found().clusters().perLayer())
                .containsExactly(4, 4, 4);
        assertThat(new BudgetSearch(ladders, budget.with(Saving.TIME), 1000, measure).run(measure, false).verified()
                .clusters().perLayer()).containsExactly(4, 4, 2);
        assertThat(budget.with(Saving.TIME).toString()).endsWith("saving time");
    }

    @Test
    void aBoundKeepsAMarginOfTheStandardError() {
        QualityBudget budget = new QualityBudget(Measure.PERPLEXITY_INCREASE, 0.01);
        Estimate zero = new Estimate(0, 0);

        assertThat(budget.allows(new QualityLoss(zero, new Estimate(0.009, 0.0001), Optional.empty(), 1, 0))).isTrue();
        assertThat(budget.allows(new QualityLoss(zero, new Estimate(0.009, 0.001), Optional.empty(), 1, 0))).isFalse();
        assertThat(budget.allows(new QualityLoss(zero, new Estimate(0, Double.NaN), Optional.empty(), 1, 0))).isFalse();
        assertThat(new QualityBudget(Measure.ACCURACY_DROP, 0.01)
                .allows(new QualityLoss(zero, zero, Optional.of(new Estimate(0.02, 0.001)), 1, 0))).isFalse();
    }
}
