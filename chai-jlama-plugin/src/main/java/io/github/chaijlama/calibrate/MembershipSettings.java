// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.Optional;

import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.RepresentativeChoice;

/**
 * What somebody asked for of {@link MembershipChoice}; what is empty was left open.
 *
 * @param window         tokens that decide
 * @param offset         tokens before them that do not count
 * @param algorithm      how heads are clustered
 * @param representative which head represents a cluster
 * @param distance       what makes heads alike
 */
public record MembershipSettings(Optional<Integer> window, Optional<Integer> offset,
        Optional<ClusteringAlgorithm> algorithm, Optional<RepresentativeChoice> representative,
        Optional<HeadDistance> distance) {

    /** Settings that say nothing where there are others beside them. */
    public enum Conflict {
        /** There is a window or an offset, and membership is not {@link MembershipChoice.Kind#ONLINE}. */
        WINDOW,
        /** There is a distance, and membership is not {@link MembershipChoice.Kind#STATIC}. */
        DISTANCE,
        /** There is an algorithm or a representative, and the distance is not {@link HeadDistance#ATTENTION}. */
        CLUSTERING
    }

    /** Returns what is wrong with these settings for a kind of membership, empty if nothing is. */
    public Optional<Conflict> conflict(MembershipChoice.Kind kind) {
        if (kind != MembershipChoice.Kind.ONLINE && (window.isPresent() || offset.isPresent())) {
            return Optional.of(Conflict.WINDOW);
        }
        if (kind != MembershipChoice.Kind.STATIC && distance.isPresent()) {
            return Optional.of(Conflict.DISTANCE);
        }
        return clustersAttention() && distance.isPresent() && distance.get() != HeadDistance.ATTENTION
                ? Optional.of(Conflict.CLUSTERING)
                : Optional.empty();
    }

    private boolean clustersAttention() {
        return algorithm.isPresent() || representative.isPresent();
    }

    /**
     * Returns the choice, with the defaults of calibration for what was left open: static clusters by what they do to
     * the outputs of attention, weighted where a budget makes it worth the measurements, or by attention where that is
     * what settings are of.
     *
     * @param withinBudget whether clusters are chosen within a quality budget
     * @throws IllegalArgumentException                     if there is a {@linkplain #conflict conflict}
     * @throws io.github.chaijlama.profile.ProfileException if window or offset are out of range
     */
    public MembershipChoice choose(MembershipChoice.Kind kind, boolean withinBudget) {
        conflict(kind).ifPresent(conflict -> {
            throw new IllegalArgumentException("settings that " + kind + " membership does not have: " + conflict);
        });
        HeadDistance byDefault = clustersAttention() ? HeadDistance.ATTENTION
                : withinBudget ? HeadDistance.WEIGHTED : HeadDistance.OUTPUT;
        return new MembershipChoice(kind, window.orElse(MembershipChoice.DEFAULT_WINDOW), offset.orElse(0),
                algorithm.orElse(MembershipChoice.DEFAULT_ALGORITHM),
                representative.orElse(MembershipChoice.DEFAULT_REPRESENTATIVE), distance.orElse(byDefault));
    }
}
