// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;

import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.profile.ModelShape;

import static org.assertj.core.api.Assertions.assertThat;

class ClusterCountsTests {
    private static final ModelShape SHAPE = new ModelShape("llama", 3, 4, 4, 8);

    @Test
    void oneLayerChangesAndTheOthersStay() {
        ClusterCounts exact = ClusterCounts.exact(SHAPE);
        ClusterCounts changed = exact.with(1, 2);

        assertThat(exact.perLayer()).containsExactly(4, 4, 4);
        assertThat(changed.perLayer()).containsExactly(4, 2, 4);
        assertThat(changed.of(1)).isEqualTo(2);
        assertThat(changed.layers()).isEqualTo(3);
    }

    @Test
    void equalCountsAreEqualWhereverTheyComeFrom() {
        List<Integer> list = new ArrayList<>(List.of(4, 2, 4));
        ClusterCounts counts = new ClusterCounts(list);
        list.set(0, 1);

        assertThat(counts).isEqualTo(ClusterCounts.exact(SHAPE).with(1, 2))
                .hasSameHashCodeAs(ClusterCounts.exact(SHAPE).with(1, 2)).isNotEqualTo(ClusterCounts.exact(SHAPE));
    }

    @Test
    void aStaticProfileAsksForTheClustersOfEachLayer() {
        ClusterProfile profile = ClusterCounts.exact(SHAPE).with(2, 3).profile(SHAPE,
                (layer, clusters) -> clusters == 4 ? HeadClusters.identity(4)
                        : HeadClusters.ofRepresentatives(new int[]{ 0, 0, 2, 3 }));

        assertThat(profile.clusters()).containsExactly(4, 4, 3);
        assertThat(((Membership.Static) profile.membership()).layers().getLast().members())
                .containsExactly(0, 0, 1, 2);
    }

    @Test
    void aReplacementChangesOneHeadOfOneLayer() {
        ClusterProfile profile = new HeadReplacement(1, 0, 2).profile(SHAPE);

        assertThat(profile.clusters()).containsExactly(4, 3, 4);
        List<HeadClusters> layers = ((Membership.Static) profile.membership()).layers();
        assertThat(layers.getFirst()).isEqualTo(HeadClusters.identity(4)).isEqualTo(layers.getLast());
        assertThat(layers.get(1)).isEqualTo(HeadClusters.ofRepresentatives(new int[]{ 2, 1, 2, 3 }));
    }

    /** Saved states of earlier versions have these names. */
    @Test
    void namesInSavedStatesAreListsOfNumbers() {
        assertThat(new ClusterCounts(List.of(8, 4, 1))).hasToString("[8, 4, 1]");
        assertThat(new HeadReplacement(3, 0, 7)).hasToString("[3, 0, 7]");
    }
}
