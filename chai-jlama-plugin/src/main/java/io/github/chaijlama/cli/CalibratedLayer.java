// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import io.github.chaijlama.calibrate.Calibration;
import io.github.chaijlama.calibrate.LayerRedundancy;
import io.github.chaijlama.calibrate.LayerSensitivity;
import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.HeadGram;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.profile.Membership;

/**
 * All that a calibration says about one layer. Immutable.
 *
 * @param found       how redundant it is
 * @param clusters    the count that was chosen, 1 to the number of heads; as many as heads: the layer stays exact
 * @param members     cluster of each head, {@code (head)}
 * @param sensitivity what it costs to cluster this layer alone; empty if not measured
 */
record CalibratedLayer(LayerRedundancy found, int clusters, List<Integer> members,
        List<LayerSensitivity> sensitivity) {

    /** @throws IllegalArgumentException if the parts do not fit each other */
    CalibratedLayer {
        members = List.copyOf(members);
        sensitivity = List.copyOf(sensitivity);
        int heads = found.curve().errors().size();
        if (clusters < 1 || clusters > heads) {
            throw new IllegalArgumentException(
                    "a layer of " + heads + " heads cannot have " + clusters + " clusters");
        }
        if (found.similarity().size() != heads || members.size() != heads) {
            throw new IllegalArgumentException("a layer with errors of " + heads + " heads has similarities of "
                    + found.similarity().size() + " and members of " + members.size());
        }
    }

    static List<CalibratedLayer> all(Calibration calibration) {
        return IntStream.range(0, calibration.layers().size()).mapToObj(layer -> of(calibration, layer)).toList();
    }

    private static CalibratedLayer of(Calibration calibration, int layer) {
        LayerRedundancy found = calibration.layers().get(layer);
        int clusters = calibration.profile().clusters().get(layer);
        List<LayerSensitivity> sensitivity = calibration.search().stream()
                .flatMap(search -> search.sensitivities().stream()).filter(cost -> cost.layer() == layer).toList();
        int[] members = calibration.profile().membership() instanceof Membership.Static decided
                ? decided.layers().get(layer).members()
                : averageMembers(found, clusters);
        return new CalibratedLayer(found, clusters, Arrays.stream(members).boxed().toList(), sensitivity);
    }

    /** Returns the members by the averaged similarities, for profiles with which every sequence has its own. */
    private static int[] averageMembers(LayerRedundancy found, int clusters) {
        double[] similarities = found.similarity().stream()
                .flatMapToDouble(row -> row.stream().mapToDouble(Double::doubleValue)).toArray();
        return ClusteringAlgorithm.AGGLOMERATIVE.cluster(HeadGram.of(found.similarity().size(), similarities),
                clusters, RepresentativeChoice.FIRST).members();
    }

    int heads() {
        return members.size();
    }

    boolean isExact() {
        return clusters == heads();
    }

    /** Returns whether the layer has redundancy at all, by the rule that decides on it. */
    boolean isRedundant() {
        return found.clusters() < heads();
    }

    /** Returns the error with k clusters as a share of that with one. */
    double errorShare(int k) {
        List<Double> errors = found.curve().errors();
        return errors.getFirst() > 0 ? errors.get(k - 1) / errors.getFirst() : 0;
    }

    String choice() {
        return isExact() ? "exact, " + heads() + " heads" : clusters + " of " + heads();
    }

    /** Returns the clusters with more than one head, such as {@code 0 3 5 · 1 2}. */
    String shared() {
        return IntStream.range(0, members.size()).boxed()
                .collect(Collectors.groupingBy(members::get, TreeMap::new, Collectors.toList())).values().stream()
                .filter(heads -> heads.size() > 1)
                .map(heads -> heads.stream().map(String::valueOf).collect(Collectors.joining(" ")))
                .collect(Collectors.joining(" · "));
    }
}
