// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * Goes from exact attention to ever larger savings whose measured loss stays inside a budget: by bisection along the
 * way that is estimated to be the cheapest, then step by step, and by exchanges where no step is left.
 */
final class BudgetDescent {
    private static final int TRIED_PER_STEP = 3;
    private static final int TRIED_PER_EXCHANGE = 12;
    /** An exchange that saves the same must lower the divergence by this share, or the search would chase noise. */
    private static final double WORTHWHILE = 0.02;

    private final AdditiveEstimate estimate;
    private final QualityBudget budget;
    private final int maxMeasurements;
    private final Function<ClusterCounts, QualityLoss> measure;
    private final List<QualityPoint> path = new ArrayList<>();
    private int measurements;

    /**
     * Creates a descent.
     *
     * @param maxMeasurements measurements after which it ends
     * @param measure         measures counts
     */
    BudgetDescent(AdditiveEstimate estimate, QualityBudget budget, int maxMeasurements,
            Function<ClusterCounts, QualityLoss> measure) {
        this.estimate = estimate;
        this.budget = budget;
        this.maxMeasurements = maxMeasurements;
        this.measure = measure;
    }

    /** Every point that was accepted, in that order: exact attention first, the largest saving last. */
    List<QualityPoint> path() {
        return path;
    }

    int measurements() {
        return measurements;
    }

    /** Runs the descent. */
    void run() {
        path.add(new QualityPoint(estimate.exact(), QualityLoss.NOTHING));
        bisect(estimate.way());
        do {
            descend();
        } while (exchange());
    }

    /** Returns where the path has come to. */
    QualityPoint place() {
        return path.getLast();
    }

    private double saving(QualityPoint point) {
        return budget.saving(point.loss());
    }

    private boolean isAtLimit() {
        return measurements >= maxMeasurements;
    }

    private QualityPoint measured(ClusterCounts counts) {
        measurements++;
        return new QualityPoint(counts, measure.apply(counts));
    }

    /** Goes to the last place of the way that is inside the bound, if those after it are not. */
    private void bisect(List<ClusterCounts> way) {
        int inside = 0;
        int outside = way.size();
        while (outside - inside > 1 && !isAtLimit()) {
            int middle = (inside + outside) >>> 1;
            QualityPoint next = measured(way.get(middle));
            if (budget.allows(next.loss()) && saving(next) > saving(place())) {
                inside = middle;
                path.add(next);
            } else {
                outside = middle;
            }
        }
    }

    /** Takes steps as long as one saves something inside the bound. */
    private void descend() {
        Set<LayerMove> broken = new HashSet<>();
        while (!isAtLimit()) {
            QualityPoint place = place();
            List<LayerMove> steps = estimate.steps(place.clusters());
            steps.removeAll(broken);
            if (steps.isEmpty()) {
                return;
            }
            List<QualityPoint> inside = new ArrayList<>();
            for (LayerMove step : steps.subList(0, Math.min(TRIED_PER_STEP, steps.size()))) {
                QualityPoint next = measured(step.from(place.clusters()));
                if (budget.allows(next.loss()) && saving(next) > saving(place)) {
                    inside.add(next);
                } else {
                    broken.add(step);
                }
            }
            inside.stream().min(Comparator.comparingDouble(next -> price(place, next))).ifPresent(path::add);
        }
    }

    /** Returns divergence per share saved. */
    private double price(QualityPoint from, QualityPoint to) {
        return (to.divergence() - from.divergence()) / (saving(to) - saving(from));
    }

    /** Makes one exchange that is worthwhile, and returns whether there was one. */
    private boolean exchange() {
        QualityPoint place = place();
        List<AdditiveEstimate.Exchange> exchanges = estimate.exchanges(place.clusters());
        for (AdditiveEstimate.Exchange exchange : exchanges.subList(0,
                Math.min(TRIED_PER_EXCHANGE, exchanges.size()))) {
            if (isAtLimit()) {
                return false;
            }
            QualityPoint next = measured(exchange.from(place.clusters()));
            boolean saves = saving(next) > saving(place) + AdditiveEstimate.SAME_SAVING;
            boolean cheaper = saving(next) > saving(place) - AdditiveEstimate.SAME_SAVING
                    && next.divergence() < (1 - WORTHWHILE) * place.divergence();
            if (budget.allows(next.loss()) && (saves || cheaper)) {
                path.add(next);
                return true;
            }
        }
        return false;
    }

    /** Returns why the descent ended. */
    String whyStopped() {
        if (isAtLimit()) {
            return "the limit of " + maxMeasurements + " measurements is reached";
        }
        if (estimate.steps(place().clusters()).isEmpty()) {
            return path.size() == 1 ? "no layer saves anything with fewer clusters at twice the bound"
                    : "no layer has fewer clusters left that save anything at twice the bound";
        }
        return "every further step and exchange that was tried breaks the bound or an answer, or saves nothing";
    }
}
