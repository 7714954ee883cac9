// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.Optional;

/**
 * A layer: attention, then the feed-forward network, each on its way beside the row it is added to,
 * {@code x += multiplier * after(f(before(x)))}.
 *
 * @param attentionNorm        norm before attention
 * @param attention            the attention
 * @param afterAttentionNorm   norm of what attention adds
 * @param feedForwardNorm      norm before the feed-forward network
 * @param feedForward          the network
 * @param afterFeedForwardNorm norm of what the network adds
 * @param residualMultiplier   factor of what both add, 1 for none
 */
public record LayerConfig(Optional<NormConfig> attentionNorm, AttentionConfig attention,
        Optional<NormConfig> afterAttentionNorm, Optional<NormConfig> feedForwardNorm, FeedForwardConfig feedForward,
        Optional<NormConfig> afterFeedForwardNorm, float residualMultiplier) {}
