// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

/**
 * Factors and caps that some families put on rows on their way through the model.
 *
 * @param embedding    factor of a token's embedding, 1 for none
 * @param residual     factor of what attention and feed-forward network add to a row, 1 for none
 * @param logitDivisor what logits are divided by, 1 for none
 * @param logitSoftCap logits become {@code cap * tanh(logit / cap)}; 0 for none
 */
public record Multipliers(float embedding, float residual, float logitDivisor, float logitSoftCap) {
    /** Nothing is multiplied. */
    static final Multipliers NONE = new Multipliers(1, 1, 1, 0);

    static Multipliers ofEmbedding(double factor) {
        return new Multipliers((float) factor, 1, 1, 0);
    }
}
