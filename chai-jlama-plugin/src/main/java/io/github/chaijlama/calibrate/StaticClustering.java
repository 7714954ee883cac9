// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.List;

import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.cluster.Medoids;
import io.github.chaijlama.cluster.OutputDistances;
import io.github.chaijlama.cluster.RepresentativeChoice;

/** Which heads belong together in every sequence, for any number of clusters. */
@FunctionalInterface
interface StaticClustering {

    /** Puts the heads of a layer into clusters. */
    HeadClusters cluster(int layer, int clusters);

    /** Returns the clusters of heads whose attention is alike, averaged over texts. */
    static StaticClustering ofAttention(List<HeadSums> layers, ClusteringAlgorithm algorithm,
            RepresentativeChoice representative) {
        return (layer, clusters) -> algorithm.cluster(layers.get(layer).meanDistances(algorithm), clusters,
                representative);
    }

    /**
     * Returns the clusters by k-medoids.
     *
     * @param layers    distances between the heads of each layer
     * @param groupSize heads whose keys are to be freed together, 1 for none
     */
    static StaticClustering ofDistances(List<OutputDistances> layers, int groupSize) {
        return (layer, clusters) -> Medoids.cluster(layers.get(layer), clusters, groupSize);
    }
}
