// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Looks for the counts with the largest saving, of memory or of time, whose measured loss stays inside a budget.
 *
 * <p>First each layer alone is measured. If losses of layers added up, the best counts for every saving would follow
 * from that: the steps of all layers' lower convex hulls, the cheapest divergence per byte first (Shoham and Gersho,
 * Efficient bit allocation for an arbitrary set of quantizers, 1988). They do not quite, so bisection finds out how far
 * along this way the measured loss of whole profiles stays inside the bound. From there every step is measured: a
 * descent that takes, of the few steps with the least estimated divergence per byte saved, the one with the least
 * measured divergence per byte; steps that break the bound are not tried again on the way down. Where no step is left,
 * exchanges: one layer gets clusters back and another gives some up, and if that saves more, or the same for less
 * divergence, the descent goes on from there.
 *
 * <p>Counts that break answers are refused as those beyond the bound are; what breaks one in a single layer alone is no
 * step at all.
 *
 * <p>Divergence steers, because it varies less between texts than the log-likelihood of one token; the bound itself is
 * checked in its own measure, with the margin of {@link QualityBudget}.
 */
final class BudgetSearch {
    /** Where perplexity is half as high again, quality is broken. */
    private static final double BROKEN = Math.log(1.5);

    private final List<Ladder> ladders;
    private final QualityBudget budget;
    private final int maxMeasurements;
    private final Function<ClusterCounts, QualityLoss> measure;

    /**
     * Creates a search.
     *
     * @param ladders         numbers of clusters to try, per layer
     * @param maxMeasurements measurements after which the search ends, those of single layers not counted
     * @param measure         measures counts; may remember
     */
    BudgetSearch(List<Ladder> ladders, QualityBudget budget, int maxMeasurements,
            Function<ClusterCounts, QualityLoss> measure) {
        this.ladders = ladders;
        this.budget = budget;
        this.maxMeasurements = maxMeasurements;
        this.measure = measure;
    }

    /**
     * Runs the search.
     *
     * @param verify measures counts on other texts
     * @param beyond whether to go on to where quality breaks
     */
    SearchResult run(Function<ClusterCounts, QualityLoss> verify, boolean beyond) {
        AdditiveEstimate estimate = AdditiveEstimate.measure(ladders, budget, measure);
        BudgetDescent descent = new BudgetDescent(estimate, budget, maxMeasurements, measure);
        descent.run();
        List<QualityPoint> onwards = beyond ? goOn(descent.place(), estimate) : List.of();
        return new SearchResult(budget, estimate.sensitivities(), descent.path(), onwards, descent.place(),
                verify(verify, descent.path(), estimate), descent.measurements(), descent.whyStopped());
    }

    /** Goes down one rung at a time, the cheapest by estimate first, layers without an estimate last. */
    private List<QualityPoint> goOn(QualityPoint from, AdditiveEstimate estimate) {
        List<QualityPoint> points = new ArrayList<>();
        QualityPoint place = from;
        while (place.loss().logLossDifference().value() < BROKEN) {
            Optional<ClusterCounts> next = nextDown(place.clusters(), estimate);
            if (next.isEmpty()) {
                break;
            }
            place = new QualityPoint(next.get(), measure.apply(next.get()));
            points.add(place);
        }
        return points;
    }

    private static Optional<ClusterCounts> nextDown(ClusterCounts counts, AdditiveEstimate estimate) {
        List<LayerMove> moves = new ArrayList<>();
        for (LayerCosts layer : estimate.layers()) {
            layer.ladder().below(counts.of(layer.layer())).stream().limit(1)
                    .forEach(clusters -> moves.add(new LayerMove(layer.layer(), clusters)));
        }
        return moves.stream().min(Comparator.comparingDouble(move -> {
            LayerCosts layer = estimate.layers().get(move.layer());
            return layer.isKnown(move.clusters()) ? layer.divergence(move.clusters()) : Double.POSITIVE_INFINITY;
        })).map(move -> move.from(counts));
    }

    /**
     * Takes the largest saving of the path, or of the estimated way to it, that is inside the bound on other texts;
     * exact attention always is.
     */
    private QualityPoint verify(Function<ClusterCounts, QualityLoss> verify, List<QualityPoint> path,
            AdditiveEstimate estimate) {
        Map<ClusterCounts, Double> savings = new LinkedHashMap<>();
        // Of equal savings the later place of the path diverges less.
        path.reversed().forEach(point -> savings.put(point.clusters(), budget.saving(point.loss())));
        estimate.way().stream().filter(counts -> estimate.saving(counts) < budget.saving(path.getLast().loss()))
                .forEach(counts -> savings.putIfAbsent(counts, estimate.saving(counts)));
        List<ClusterCounts> largestFirst = new ArrayList<>(savings.keySet());
        largestFirst.sort(Comparator.comparingDouble((ClusterCounts counts) -> savings.get(counts)).reversed());
        for (ClusterCounts counts : largestFirst) {
            QualityPoint other = new QualityPoint(counts, verify.apply(counts));
            if (budget.allows(other.loss())) {
                return other;
            }
        }
        throw new IllegalStateException("exact attention differs from exact attention");
    }
}
