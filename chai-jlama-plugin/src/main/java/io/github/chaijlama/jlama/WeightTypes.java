// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import com.github.tjake.jlama.safetensors.DType;

/**
 * Decides in which type a weight is kept in memory. Jlama's operators multiply rows of 32-bit floats with F32, BF16 and
 * Q4, its norms and biases are best as F32, and embeddings can be looked up in any type.
 *
 * @param quantize       whether matrices that are multiplied become Q4; not embeddings, norms, biases and routers
 * @param tiedEmbeddings whether the output matrix is the embedding
 * @param jlamaLooksUp   whether Jlama's own look-up reads the embedding, which knows F32 and BF16 only
 * @param family         the model's architecture
 */
record WeightTypes(boolean quantize, boolean tiedEmbeddings, boolean jlamaLooksUp, ModelFamily family) {
    static final String OUTPUT = "lm_head.weight";

    /** Returns the type a weight is kept in. */
    DType keptIn(StoredWeight weight) {
        DType stored = weight.type();
        if (weight.isVector() || family.needsF32()) {
            return DType.F32;
        }
        if (weight.name().equals(family.embeddingName())) {
            boolean kept = jlamaLooksUp ? stored == DType.F32 || stored == DType.BF16
                    : !tiedEmbeddings || isMultiplied(stored);
            return kept ? stored : DType.F32;
        }
        if (quantize && isQuantizable(weight.name())) {
            return DType.Q4;
        }
        return isMultiplied(stored) ? stored : DType.F32;
    }

    /** Returns whether a weight of this name becomes Q4 where that is asked for. */
    static boolean isQuantizable(String name) {
        boolean router = name.endsWith(".gate.weight") || name.contains("router");
        return name.equals(OUTPUT) || name.startsWith("model.layers.") && !router;
    }

    private static boolean isMultiplied(DType type) {
        return type == DType.F32 || type == DType.BF16 || type == DType.Q4;
    }
}
