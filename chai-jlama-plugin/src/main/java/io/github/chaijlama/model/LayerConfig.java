// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.Optional;

/**
 * A layer: attention, then the feed-forward network, each on its way beside the row it is added to,
 * {@code x += multiplier * after(f(before(x)))}, in some old models {@code x = ofSum(x + f(x))}.
 *
 * @param attentionNorm        norm before attention
 * @param attention            the attention
 * @param afterAttentionNorm   norm of what attention adds
 * @param feedForwardNorm      norm before the feed-forward network
 * @param feedForward          the network
 * @param afterFeedForwardNorm norm of what the network adds
 * @param attentionSumNorm     norm of the row once attention is added
 * @param feedForwardSumNorm   norm of the row once the network is added
 * @param residualMultiplier   factor of what both add, 1 for none
 * @param tokenInput           what the layer adds then of what the token says to it
 * @param scale                factor of the row when all is added, {@code (1)}
 */
public record LayerConfig(Optional<NormConfig> attentionNorm, AttentionConfig attention,
        Optional<NormConfig> afterAttentionNorm, Optional<NormConfig> feedForwardNorm, FeedForwardConfig feedForward,
        Optional<NormConfig> afterFeedForwardNorm, Optional<NormConfig> attentionSumNorm,
        Optional<NormConfig> feedForwardSumNorm, float residualMultiplier, Optional<TokenInputConfig> tokenInput,
        Optional<TensorPart> scale) {}
