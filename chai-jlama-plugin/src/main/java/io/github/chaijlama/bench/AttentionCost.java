// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.util.Arrays;

import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.model.HeadLayout;

/** How much arithmetic and memory attention stands for, to turn times into rates. */
final class AttentionCost {
    private AttentionCost() {}

    /**
     * Returns the floating point operations of causal attention over a prompt, in one layer: {@code 2 N (N + 1) H d}, a
     * multiply and an add for each of the {@code N (N + 1) / 2} pairs of query and key, for scores and for sums of
     * values, in each of the {@code H} heads of {@code d} values. The same whatever computes it: clustered attention,
     * which leaves scores out, is credited with them, so that rates compare as times do.
     */
    static double prefillFlops(int tokens, HeadLayout heads) {
        return 2.0 * tokens * (tokens + 1.0) * heads.queryLength();
    }

    /** Returns the heads' rows that a layer stores for a position: the K heads kept and all V heads. */
    static int storedHeads(HeadClusters clusters, HeadLayout heads) {
        return heads.numberOfKvHeads()
                + (int) Arrays.stream(clusters.representatives()).map(heads::kvHead).distinct().count();
    }

    /**
     * Returns the bytes of keys and values that a layer reads for one more token, on the average over
     * {@code decodeTokens} tokens after a prompt: every stored row once, the token's own included.
     *
     * @param bytesPerToken bytes the layer stores for a position
     */
    static double decodeBytes(int context, int decodeTokens, double bytesPerToken) {
        return bytesPerToken * (context + (decodeTokens + 1) / 2.0);
    }
}
