// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.profile.ModelShape;

/**
 * One head taking the attention probabilities of another one of its layer, all others staying exact.
 *
 * @param layer          the layer
 * @param head           the head that loses its own
 * @param representative the head whose probabilities it takes
 */
record HeadReplacement(int layer, int head, int representative) {

    ClusterProfile profile(ModelShape shape) {
        int[] representatives = IntStream.range(0, shape.heads())
                .map(each -> each == head ? representative : each).toArray();
        List<HeadClusters> layers = new ArrayList<>(
                Collections.nCopies(shape.layers(), HeadClusters.identity(shape.heads())));
        layers.set(layer, HeadClusters.ofRepresentatives(representatives));
        return ClusterCounts.exact(shape).with(layer, shape.heads() - 1)
                .profile(shape, new Membership.Static(layers));
    }

    /** Returns {@code [layer, head, representative]}: so it stands in saved states. */
    @Override
    public String toString() {
        return List.of(layer, head, representative).toString();
    }
}
