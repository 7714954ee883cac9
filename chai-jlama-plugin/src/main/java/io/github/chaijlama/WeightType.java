// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

/** The type a model's weights are kept in. */
public enum WeightType {
    /**
     * As the files have them. With {@link Operators#JLAMA} what Jlama's operators cannot multiply (F16, Jlama's I8) is
     * converted to F32 when the model is loaded.
     */
    STORED,
    /**
     * Four bits a value, and a 32-bit factor for every 32 of them: the matrices of the layers, and the output matrix
     * unless it is shared with the embedding. Quantized when the model is loaded, which changes what it says;
     * embeddings, norms and biases stay as they are.
     */
    Q4
}
