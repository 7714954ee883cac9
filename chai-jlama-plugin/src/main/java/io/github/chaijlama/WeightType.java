// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.util.Optional;

import io.github.chaijlama.weight.WeightFormat;

/**
 * The type a model's weights are kept in. What is quantized are the matrices of the layers, and the output matrix
 * unless it is shared with the embedding; embeddings, norms and biases stay as they are
 * ({@link io.github.chaijlama.weight.Quantization} has the reasons). It is done when the model is loaded, and changes
 * what the model says.
 */
public enum WeightType {
    /**
     * As the files have them. With {@link Operators#JLAMA} what Jlama's operators cannot multiply (F16, Jlama's I8) is
     * converted to F32 when the model is loaded.
     */
    STORED(Optional.empty()),
    /** Four bits a value, and a 32-bit factor for every 32 of them: Jlama's Q4. */
    Q4(Optional.of(WeightFormat.Q4)),
    /**
     * Eight bits a value, and a 32-bit factor for every 32 of them: Jlama's I8. Not with Jlama's own operators or
     * layers, which cannot multiply with it, and not for files in Q4, which have fewer bits.
     */
    Q8(Optional.of(WeightFormat.I8));

    private final Optional<WeightFormat> quantized;

    WeightType(Optional<WeightFormat> quantized) {
        this.quantized = quantized;
    }

    /** Returns what matrices become, if they are quantized. */
    public Optional<WeightFormat> quantized() {
        return quantized;
    }
}
