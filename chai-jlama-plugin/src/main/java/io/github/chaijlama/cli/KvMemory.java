// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.util.Arrays;
import java.util.List;

import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;

/**
 * The memory that keys and values of a sequence take, as 32-bit floats. With ONLINE membership and grouped-query
 * attention the clusters of a sequence may keep fewer keys than this says.
 */
record KvMemory(ModelConfig config, ClusterProfile clusters) {

    /** Returns the bytes that another token takes while no layer's window is full. */
    long bytesPerToken() {
        return bytes(1);
    }

    /** Returns the bytes of that many tokens; a layer with a window keeps twice its window. */
    long bytes(int tokens) {
        long rows = 0;
        for (int layer = 0; layer < config.layers(); layer++) {
            int window = config.layer(layer).attention().scores().window();
            long kept = window == 0 ? tokens : Math.min(tokens, 2L * window);
            rows += kept * (config.heads().numberOfKvHeads() + keyHeads(layer));
        }
        return rows * config.heads().headSize() * Float.BYTES;
    }

    private int keyHeads(int layer) {
        int kvHeads = config.heads().numberOfKvHeads();
        return switch (clusters.membership()) {
            case Membership.Static(List<HeadClusters> layers) ->
                (int) Arrays.stream(layers.get(layer).representatives()).map(config.heads()::kvHead).distinct().count();
            case Membership.Online _,Membership.Prompt _ -> Math.min(kvHeads, clusters.clusters().get(layer));
        };
    }
}
