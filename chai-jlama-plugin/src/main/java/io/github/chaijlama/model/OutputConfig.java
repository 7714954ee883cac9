// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.Optional;

/**
 * How rows become logits.
 *
 * @param norm    norm of the rows, the last one
 * @param weight  {@code (vocabularySize, hiddenSize)}; empty where the table of the tokens is used (tied)
 * @param divisor what logits are divided by, 1 for none
 * @param softCap logits become {@code cap * tanh(logit / cap)}; 0 for none
 */
public record OutputConfig(NormConfig norm, Optional<TensorPart> weight, float divisor, float softCap) {

    /** Whether the output uses the embedding's weights. */
    public boolean isTied() {
        return weight.isEmpty();
    }
}
