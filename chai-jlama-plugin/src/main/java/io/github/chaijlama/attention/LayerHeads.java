// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.kv.KvRows;
import io.github.chaijlama.model.HeadLayout;

/**
 * The heads of a layer, as sequences know them.
 *
 * @param kept    which keys are kept
 * @param kvLayer the layer whose keys and values are used, its own or an earlier one
 * @param exact   the plan of exact attention
 */
record LayerHeads(HeadLayout layout, KeptKeys kept, int kvLayer, HeadPlan exact) {

    LayerHeads(HeadLayout layout, KeptKeys kept, int kvLayer) {
        this(layout, kept, kvLayer, new HeadPlan(layout, HeadClusters.identity(layout.numberOfHeads()), kept));
    }

    /** Returns what clusters mean for the layer. */
    HeadPlan plan(HeadClusters clusters) {
        return new HeadPlan(layout, clusters, kept);
    }

    /** Returns the KV heads whose values are kept. */
    int keptValueHeads() {
        return kept == KeptKeys.NONE ? 0 : layout.numberOfKvHeads();
    }

    /** Returns the most KV heads whose keys are kept for some clusters. */
    int mostKeptKeyHeads(int clusters) {
        return switch (kept) {
            case READ -> Math.min(clusters, layout.numberOfKvHeads());
            case ALL -> layout.numberOfKvHeads();
            case NONE -> 0;
        };
    }

    /** Returns the rows that a sequence keeps for a position. */
    KvRows kvRows() {
        return new KvRows(keptValueHeads(), layout.headSize());
    }
}
