// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.List;
import java.util.stream.IntStream;

import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.cluster.Medoids;
import io.github.chaijlama.cluster.OutputDistances;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.profile.ModelShape;

/**
 * Makes profiles of numbers of clusters. Static members come from the texts' distances, averaged.
 *
 * @param layers    what was added up over the texts
 * @param distances between the heads of each layer, null where those of {@code layers} between attention probabilities
 *                  count
 */
record ProfileMaker(ModelShape shape, MembershipChoice membership, List<LayerStatistics> layers,
        List<OutputDistances> distances, String fingerprint) {

    ClusterProfile profile(List<Integer> clusters) {
        Membership decided = switch (membership.kind()) {
            case ONLINE -> membership.toOnline();
            case PROMPT -> new Membership.Prompt(membership.algorithm(), membership.representative());
            case STATIC -> new Membership.Static(
                    IntStream.range(0, clusters.size()).mapToObj(layer -> staticClusters(layer, clusters.get(layer)))
                            .toList());
        };
        return new ClusterProfile(shape, clusters, decided, fingerprint);
    }

    private HeadClusters staticClusters(int layer, int clusters) {
        return distances != null ? Medoids.cluster(distances.get(layer), clusters)
                : membership.algorithm().cluster(layers.get(layer).meanDistances(membership.algorithm()), clusters,
                        membership.representative());
    }
}
