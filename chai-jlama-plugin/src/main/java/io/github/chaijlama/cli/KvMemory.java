// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.util.Arrays;
import java.util.List;

import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.model.HeadLayout;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;

/**
 * The memory that keys and values of a sequence take. With ONLINE membership and grouped-query attention the clusters
 * of a sequence may keep fewer keys than this says.
 */
record KvMemory(ModelConfig config, ClusterProfile clusters) {

    /** Returns the bytes that another token takes while no layer's window is full, as 32-bit floats. */
    long bytesPerToken() {
        return bytesPerToken(KvType.F32);
    }

    /** Returns the same for a type of keys and values. */
    long bytesPerToken(KvType type) {
        return bytes(1, type);
    }

    /** Returns the bytes of that many tokens, as 32-bit floats; a layer with a window keeps twice its window. */
    long bytes(int tokens) {
        return bytes(tokens, KvType.F32);
    }

    private long bytes(int tokens, KvType type) {
        long bytes = 0;
        for (int layer = 0; layer < config.layers(); layer++) {
            int window = config.layer(layer).attention().scores().window();
            long kept = window == 0 ? tokens : Math.min(tokens, 2L * window);
            HeadLayout heads = config.heads(layer);
            if (!config.layer(layer).attention().hasKv()) {
                continue;
            }
            bytes += kept * (heads.numberOfKvHeads() + keyHeads(layer)) * type.rowBytes(heads.headSize());
        }
        return bytes;
    }

    private int keyHeads(int layer) {
        HeadLayout heads = config.heads(layer);
        if (config.sharesKv(layer)) {
            return heads.numberOfKvHeads();
        }
        return switch (clusters.membership()) {
            case Membership.Static(List<HeadClusters> layers) ->
                (int) Arrays.stream(layers.get(layer).representatives()).map(heads::kvHead).distinct().count();
            case Membership.Online _,Membership.Prompt _ ->
                Math.min(heads.numberOfKvHeads(), clusters.clusters().get(layer));
        };
    }
}
