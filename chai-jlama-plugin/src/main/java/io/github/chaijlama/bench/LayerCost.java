// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

/**
 * What the attention of a layer costs, without its matrix products: the mean over the layers that have as many
 * clusters.
 *
 * @param clusters        clusters of these layers; as many as heads where attention is exact
 * @param layers          how many layers have that many
 * @param prefillMillis   attention over the prompt, a layer, milliseconds
 * @param decodeMillis    attention of one more token, a layer, milliseconds
 * @param prefillFlops    operations of causal attention over the prompt, see {@link AttentionCost#prefillFlops}
 * @param decodeBytes     bytes of keys and values that one more token reads, see {@link AttentionCost#decodeBytes}
 */
public record LayerCost(int clusters, int layers, Spread prefillMillis, Spread decodeMillis, double prefillFlops,
        double decodeBytes) {

    /** Returns the rate of the prefill by its median, in 1e9 operations a second. */
    public double prefillGflops() {
        return prefillFlops / prefillMillis.median() / 1e6;
    }

    /** Returns the rate of reading keys and values by the median, in 1e9 bytes a second. */
    public double decodeGigabytes() {
        return decodeBytes / decodeMillis.median() / 1e6;
    }
}
