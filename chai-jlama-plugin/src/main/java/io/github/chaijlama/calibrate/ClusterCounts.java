// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.profile.ModelShape;

/**
 * How many clusters each layer of a model has. Immutable.
 *
 * @param perLayer clusters of each layer
 */
public record ClusterCounts(List<Integer> perLayer) {

    public ClusterCounts {
        perLayer = List.copyOf(perLayer);
    }

    /** Returns the counts of exact attention: as many clusters as heads. */
    public static ClusterCounts exact(ModelShape shape) {
        return new ClusterCounts(Collections.nCopies(shape.layers(), shape.heads()));
    }

    /** Returns how many layers there are. */
    public int layers() {
        return perLayer.size();
    }

    /** Returns the clusters of a layer. */
    public int of(int layer) {
        return perLayer.get(layer);
    }

    /** Returns these counts with another number of clusters in one layer. */
    public ClusterCounts with(int layer, int clusters) {
        List<Integer> changed = new ArrayList<>(perLayer);
        changed.set(layer, clusters);
        return new ClusterCounts(changed);
    }

    /** Returns the profile of these counts for every model of a shape. */
    ClusterProfile profile(ModelShape shape, Membership membership) {
        return new ClusterProfile(shape, perLayer, membership);
    }

    /** Returns the profile of these counts, the same clusters for every sequence. */
    ClusterProfile profile(ModelShape shape, StaticClustering clustering) {
        return profile(shape, new Membership.Static(IntStream.range(0, layers())
                .mapToObj(layer -> clustering.cluster(layer, of(layer))).toList()));
    }

    /** Returns the counts as a list does, {@code [8, 4, 8]}: so they stand in saved states, too. */
    @Override
    public String toString() {
        return perLayer.toString();
    }
}
