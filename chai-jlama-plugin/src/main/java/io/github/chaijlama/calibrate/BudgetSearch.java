// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;

import io.github.chaijlama.evaluate.Estimate;

/**
 * Looks for the counts with the largest saving of keys and values whose measured loss stays inside a budget.
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
 * <p>Divergence steers, because it varies less between texts than the log-likelihood of one token; the bound itself is
 * checked in its own measure, with the margin of {@link QualityBudget}.
 */
final class BudgetSearch {
    private static final int TRIED_PER_STEP = 3;
    private static final int TRIED_PER_EXCHANGE = 12;
    /** An exchange that saves the same must lower the divergence by this share, or the search would chase noise. */
    private static final double WORTHWHILE = 0.02;
    private static final double SAME_SAVING = 1e-9;
    /** Where perplexity is half as high again, quality is broken. */
    private static final double BROKEN = Math.log(1.5);

    private final List<List<Integer>> ladders;
    private final QualityBudget budget;
    private final int maxMeasurements;
    private final Function<List<Integer>, QualityLoss> measure;
    private final QualityLoss[][] alone;
    private final List<LayerSensitivity> sensitivities = new ArrayList<>();
    private final List<QualityPoint> path = new ArrayList<>();
    private int measurements;

    /** A place of the search: a rung of each layer's ladder, and what it costs. */
    private record Place(List<Integer> rungs, QualityLoss loss) {
        double divergence() {
            return loss.divergence().value();
        }

        double saving() {
            return loss.kvSaving();
        }
    }

    /** A layer going to another rung. */
    private record Move(int layer, int rung) {}

    /**
     * Creates a search.
     *
     * @param ladders         numbers of clusters to try, per layer, falling from the number of heads
     * @param maxMeasurements measurements after which the search ends, those of single layers not counted
     * @param measure         measures counts; may remember
     */
    BudgetSearch(List<List<Integer>> ladders, QualityBudget budget, int maxMeasurements,
            Function<List<Integer>, QualityLoss> measure) {
        this.ladders = ladders;
        this.budget = budget;
        this.maxMeasurements = maxMeasurements;
        this.measure = measure;
        this.alone = ladders.stream().map(ladder -> new QualityLoss[ladder.size()]).toArray(QualityLoss[][]::new);
    }

    /**
     * Runs the search.
     *
     * @param verify measures counts on other texts
     * @param beyond whether to go on to where quality breaks
     */
    SearchResult run(Function<List<Integer>, QualityLoss> verify, boolean beyond) {
        Estimate nothing = new Estimate(0, 0);
        Place exact = new Place(Collections.nCopies(ladders.size(), 0),
                new QualityLoss(nothing, nothing, nothing, 1, 0));
        path.add(point(exact));
        measureLayers();
        List<List<Integer>> way = estimatedWay();
        Place place = descend(bisect(exact, way));
        Optional<Place> exchanged = exchange(place);
        while (exchanged.isPresent()) {
            place = descend(exchanged.get());
            exchanged = exchange(place);
        }
        String stopped = whyStopped(place);
        int counted = measurements;
        List<QualityPoint> onwards = beyond ? goOn(place) : List.of();
        QualityPoint verified = verify(verify, place, way);
        return new SearchResult(budget, sensitivities, path, onwards, point(place), verified, counted, stopped);
    }

    private void measureLayers() {
        for (int layer = 0; layer < ladders.size(); layer++) {
            int outside = 0;
            // Two in a row: one bad count may have unlucky clusters, where fewer have lucky ones.
            for (int rung = 1; rung < ladders.get(layer).size() && outside < 2; rung++) {
                List<Integer> rungs = new ArrayList<>(Collections.nCopies(ladders.size(), 0));
                rungs.set(layer, rung);
                QualityLoss loss = measure.apply(clusters(rungs));
                alone[layer][rung] = loss;
                sensitivities.add(new LayerSensitivity(layer, ladders.get(layer).get(rung), loss));
                outside = budget.excess(loss) > budget.limit() ? outside + 1 : 0;
            }
        }
    }

    /**
     * Returns the rungs of profiles of rising saving that cost least if losses of layers added up, from exact attention
     * on.
     */
    private List<List<Integer>> estimatedWay() {
        List<Move> steps = new ArrayList<>();
        for (int layer = 0; layer < ladders.size(); layer++) {
            int rung = 0;
            for (int next = hullStep(layer, rung); next > rung; next = hullStep(layer, rung)) {
                steps.add(new Move(layer, next));
                rung = next;
            }
        }
        List<List<Integer>> way = new ArrayList<>();
        List<Integer> rungs = new ArrayList<>(Collections.nCopies(ladders.size(), 0));
        way.add(List.copyOf(rungs));
        while (!steps.isEmpty()) {
            // The steps of a layer get dearer from one to the next, so this keeps their order.
            Move cheapest = Collections.min(steps, Comparator.comparingDouble(
                    step -> priceAlone(step.layer(), rungs.get(step.layer()), step.rung())));
            rungs.set(cheapest.layer(), cheapest.rung());
            steps.remove(cheapest);
            way.add(List.copyOf(rungs));
        }
        return way;
    }

    /**
     * Returns the rung below with the least divergence per byte saved, the nearest of equal ones; the same if there is
     * none.
     */
    private int hullStep(int layer, int rung) {
        int best = rung;
        for (int next = rung + 1; next < ladders.get(layer).size(); next++) {
            if (alone[layer][next] != null && savingAlone(layer, next) > savingAlone(layer, rung)
                    && (best == rung || priceAlone(layer, rung, next) < priceAlone(layer, rung, best))) {
                best = next;
            }
        }
        return best;
    }

    private double priceAlone(int layer, int rung, int next) {
        return (divergenceAlone(layer, next) - divergenceAlone(layer, rung))
                / (savingAlone(layer, next) - savingAlone(layer, rung));
    }

    /** Returns the last place of the way that is inside the bound, if those after it are not. */
    private Place bisect(Place exact, List<List<Integer>> way) {
        Place place = exact;
        int inside = 0;
        int outside = way.size();
        while (outside - inside > 1 && measurements < maxMeasurements) {
            int middle = (inside + outside) >>> 1;
            Place next = go(way.get(middle));
            if (budget.allows(next.loss()) && next.saving() > place.saving()) {
                inside = middle;
                place = next;
                path.add(point(place));
            } else {
                outside = middle;
            }
        }
        return place;
    }

    private Place descend(Place from) {
        Place place = from;
        Set<Move> broken = new HashSet<>();
        while (measurements < maxMeasurements) {
            List<Move> moves = moves(place);
            moves.removeAll(broken);
            if (moves.isEmpty()) {
                return place;
            }
            Place best = null;
            for (Move move : moves.subList(0, Math.min(TRIED_PER_STEP, moves.size()))) {
                Place next = go(place, List.of(move));
                if (!budget.allows(next.loss()) || next.saving() <= place.saving()) {
                    broken.add(move);
                } else if (best == null || price(place, next) < price(place, best)) {
                    best = next;
                }
            }
            if (best != null) {
                place = best;
                path.add(point(place));
            }
        }
        return place;
    }

    /** Returns divergence per share of bytes saved. */
    private static double price(Place from, Place to) {
        return (to.divergence() - from.divergence()) / (to.saving() - from.saving());
    }

    /** Returns the steps of one layer by one or two rungs that save something, the cheapest by estimate first. */
    private List<Move> moves(Place place) {
        List<Move> moves = new ArrayList<>();
        for (int layer = 0; layer < ladders.size(); layer++) {
            int rung = place.rungs().get(layer);
            for (int next = rung + 1; next <= Math.min(rung + 2, ladders.get(layer).size() - 1); next++) {
                if (alone[layer][next] != null && savingAlone(layer, next) > savingAlone(layer, rung)) {
                    moves.add(new Move(layer, next));
                }
            }
        }
        moves.sort(Comparator.comparingDouble(move -> estimatedPrice(place, move)));
        return moves;
    }

    private double estimatedPrice(Place place, Move move) {
        return priceAlone(move.layer(), place.rungs().get(move.layer()), move.rung());
    }

    private double divergenceAlone(int layer, int rung) {
        return rung == 0 ? 0 : alone[layer][rung].divergence().value();
    }

    private double savingAlone(int layer, int rung) {
        return rung == 0 ? 0 : alone[layer][rung].kvSaving();
    }

    private record Exchange(Move up, Move down, double saving, double divergence) {}

    private Optional<Place> exchange(Place place) {
        List<Exchange> exchanges = new ArrayList<>();
        for (int up = 0; up < ladders.size(); up++) {
            for (int down = 0; down < ladders.size() && place.rungs().get(up) > 0; down++) {
                for (int rungs = 1; rungs <= 2 && up != down; rungs++) {
                    addExchange(exchanges, place, new Move(up, place.rungs().get(up) - 1),
                            new Move(down, place.rungs().get(down) + rungs));
                }
            }
        }
        exchanges.sort(Comparator.comparingDouble(Exchange::divergence));
        for (Exchange exchange : exchanges.subList(0, Math.min(TRIED_PER_EXCHANGE, exchanges.size()))) {
            if (measurements >= maxMeasurements) {
                return Optional.empty();
            }
            Place next = go(place, List.of(exchange.up(), exchange.down()));
            boolean saves = next.saving() > place.saving() + SAME_SAVING;
            boolean cheaper = next.saving() > place.saving() - SAME_SAVING
                    && next.divergence() < (1 - WORTHWHILE) * place.divergence();
            if (budget.allows(next.loss()) && (saves || cheaper)) {
                path.add(point(next));
                return Optional.of(next);
            }
        }
        return Optional.empty();
    }

    private void addExchange(List<Exchange> exchanges, Place place, Move up, Move down) {
        if (down.rung() >= ladders.get(down.layer()).size() || alone[down.layer()][down.rung()] == null) {
            return;
        }
        double saving = 0;
        double divergence = 0;
        for (Move move : List.of(up, down)) {
            int rung = place.rungs().get(move.layer());
            saving += savingAlone(move.layer(), move.rung()) - savingAlone(move.layer(), rung);
            divergence += divergenceAlone(move.layer(), move.rung()) - divergenceAlone(move.layer(), rung);
        }
        if (saving > -SAME_SAVING) {
            exchanges.add(new Exchange(up, down, saving, divergence));
        }
    }

    private String whyStopped(Place place) {
        if (measurements >= maxMeasurements) {
            return "the limit of " + maxMeasurements + " measurements is reached";
        }
        if (moves(place).isEmpty()) {
            return path.size() == 1 ? "no layer saves anything with fewer clusters at twice the bound"
                    : "no layer has fewer clusters left that save anything at twice the bound";
        }
        return "every further step and exchange that was tried breaks the bound or saves nothing";
    }

    /** Goes down one rung at a time, the cheapest by estimate first, layers without an estimate last. */
    private List<QualityPoint> goOn(Place from) {
        List<QualityPoint> points = new ArrayList<>();
        Place place = from;
        while (place.loss().logLossDifference().value() < BROKEN) {
            Place at = place;
            Optional<Move> move = IntStream.range(0, ladders.size())
                    .mapToObj(layer -> new Move(layer, at.rungs().get(layer) + 1))
                    .filter(next -> next.rung() < ladders.get(next.layer()).size())
                    .min(Comparator.comparingDouble(next -> alone[next.layer()][next.rung()] == null
                            ? Double.POSITIVE_INFINITY
                            : divergenceAlone(next.layer(), next.rung())));
            if (move.isEmpty()) {
                break;
            }
            place = go(place, List.of(move.get()));
            points.add(point(place));
        }
        return points;
    }

    /**
     * Takes the largest saving of the path, or of the estimated way to it, that is inside the bound on other texts;
     * exact attention always is.
     */
    private QualityPoint verify(Function<List<Integer>, QualityLoss> verify, Place found, List<List<Integer>> way) {
        Map<List<Integer>, Double> savings = new LinkedHashMap<>();
        // Of equal savings the later place of the path diverges less.
        path.reversed().forEach(point -> savings.put(point.clusters(), point.saving()));
        way.stream().filter(rungs -> savingAlone(rungs) < found.saving())
                .forEach(rungs -> savings.putIfAbsent(clusters(rungs), savingAlone(rungs)));
        List<List<Integer>> largestFirst = new ArrayList<>(savings.keySet());
        largestFirst.sort(Comparator.comparingDouble((List<Integer> clusters) -> savings.get(clusters)).reversed());
        for (List<Integer> clusters : largestFirst) {
            QualityPoint other = new QualityPoint(clusters, verify.apply(clusters));
            if (budget.allows(other.loss())) {
                return other;
            }
        }
        throw new IllegalStateException("exact attention differs from exact attention");
    }

    private double savingAlone(List<Integer> rungs) {
        return IntStream.range(0, rungs.size()).mapToDouble(layer -> savingAlone(layer, rungs.get(layer))).sum();
    }

    private Place go(Place place, List<Move> moves) {
        List<Integer> rungs = new ArrayList<>(place.rungs());
        moves.forEach(move -> rungs.set(move.layer(), move.rung()));
        return go(rungs);
    }

    private Place go(List<Integer> rungs) {
        measurements++;
        return new Place(List.copyOf(rungs), measure.apply(clusters(rungs)));
    }

    private QualityPoint point(Place place) {
        return new QualityPoint(clusters(place.rungs()), place.loss());
    }

    private List<Integer> clusters(List<Integer> rungs) {
        List<Integer> clusters = new ArrayList<>();
        for (int layer = 0; layer < rungs.size(); layer++) {
            clusters.add(ladders.get(layer).get(rungs.get(layer)));
        }
        return clusters;
    }
}
