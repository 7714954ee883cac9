// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.Optional;

/**
 * How rows become logits.
 *
 * @param norm       norm of the rows, the last one
 * @param projection to rows of another length, {@code (width, hiddenSize)}, where the vocabulary has one of its own
 * @param weight     {@code (vocabularySize, width)}; empty where the table of the tokens is used (tied)
 * @param divisor    what logits are divided by, 1 for none
 * @param softCap    logits become {@code cap * tanh(logit / cap)}; 0 for none
 */
public record OutputConfig(Optional<NormConfig> norm, Optional<Projection> projection, Optional<TensorPart> weight,
        float divisor, float softCap) {

    /** Returns an output whose rows are as long as those between layers. */
    static OutputConfig of(NormConfig norm, Optional<TensorPart> weight, float divisor, float softCap) {
        return new OutputConfig(Optional.of(norm), Optional.empty(), weight, divisor, softCap);
    }

    /** Whether the output uses the embedding's weights. */
    public boolean isTied() {
        return weight.isEmpty();
    }
}
