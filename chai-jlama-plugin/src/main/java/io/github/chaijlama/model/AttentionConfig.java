// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.Optional;

/**
 * The attention of a layer.
 *
 * @param heads     its heads
 * @param scores    how scores become probabilities
 * @param rotary    rotary embedding of queries and keys; empty where positions come in otherwise, or not at all
 * @param query     {@code (head * headSize, hiddenSize)}
 * @param kv        where keys and values come from
 * @param output    {@code (hiddenSize, head * headSize)}
 * @param queryNorm norm of each head's query, or of all heads' as one row, before they are rotated
 * @param queryGain factor of rotated queries by their position
 * @param sinks     each head's score for attending to nothing, {@code (head)}
 */
public record AttentionConfig(HeadLayout heads, ScoreRules scores, Optional<Rotary> rotary, Projection query,
        KvConfig kv, Projection output, Optional<NormConfig> queryNorm, Optional<QueryGain> queryGain,
        Optional<TensorPart> sinks) {

    /** Whether the layer has keys and values of its own. */
    public boolean hasKv() {
        return kv instanceof KvConfig.Own;
    }
}
