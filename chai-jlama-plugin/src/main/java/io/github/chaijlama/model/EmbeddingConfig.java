// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.Optional;

/**
 * How tokens become rows.
 *
 * @param tokens              {@code (vocabularySize, width)}
 * @param projection          to rows between layers, {@code (hiddenSize, width)}, where the table's have another length
 * @param positions           rows that are added, {@code (contextLength, hiddenSize)}, where positions are learned
 * @param multiplier          factor of a token's row, 1 for none
 * @param multiplyInTableType whether the factor is rounded to the type of the table first, as Hugging Face does it in
 *                            Gemma
 * @param ofLayers            what a token says to every layer, beside its row
 */
public record EmbeddingConfig(TensorPart tokens, Optional<Projection> projection, Optional<TensorPart> positions,
        float multiplier, boolean multiplyInTableType, Optional<LayerEmbeddingConfig> ofLayers) {

    /** Returns a table of this name, taken as it is. */
    static EmbeddingConfig of(TensorPart tokens) {
        return new EmbeddingConfig(tokens, Optional.empty(), Optional.empty(), 1, false, Optional.empty());
    }
}
