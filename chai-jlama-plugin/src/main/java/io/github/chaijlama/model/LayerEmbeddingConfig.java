// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

/**
 * What a token says to every layer, a short row for each (Gemma 4):
 * {@code (tableMultiplier * table[token] + norm(projectionMultiplier * projection(x))) * multiplier} of its row
 * {@code x}, which is the first layer's input. {@link TokenInputConfig} is what a layer makes of it.
 *
 * @param tokens               {@code (vocabularySize, layer * size)}
 * @param tableMultiplier      factor of a row of the table
 * @param projection           {@code (layer * size, hiddenSize)}
 * @param projectionMultiplier factor of what it gives
 * @param norm                 of the row of one layer, {@code (size)}
 * @param multiplier           factor of the sum
 */
public record LayerEmbeddingConfig(TensorPart tokens, float tableMultiplier, Projection projection,
        float projectionMultiplier, NormConfig norm, float multiplier) {

    /** Returns the values for one layer. */
    public int size() {
        return norm.length();
    }
}
