// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.ArrayList;
import java.util.List;

import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.profile.ModelShape;

/**
 * Makes profiles of numbers of clusters. Static members come from the texts' distances, averaged.
 *
 * @param layers what was added up over the texts
 */
record ProfileMaker(ModelShape shape, MembershipChoice membership, List<LayerStatistics> layers, String fingerprint) {

    ClusterProfile profile(List<Integer> clusters) {
        Membership decided = switch (membership.kind()) {
            case ONLINE -> membership.toOnline();
            case STATIC -> new Membership.Static(staticClusters(clusters));
        };
        return new ClusterProfile(shape, clusters, decided, fingerprint);
    }

    private List<HeadClusters> staticClusters(List<Integer> clusters) {
        List<HeadClusters> members = new ArrayList<>();
        for (int layer = 0; layer < clusters.size(); layer++) {
            members.add(membership.algorithm().cluster(layers.get(layer).meanDistances(membership.algorithm()),
                    clusters.get(layer), membership.representative()));
        }
        return members;
    }
}
