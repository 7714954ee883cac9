// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.profile;

/**
 * The part of a model's shape that a profile depends on.
 *
 * @param type     {@code model_type} of the model's config.json, for instance {@code llama}
 * @param layers   number of layers
 * @param heads    number of query heads
 * @param kvHeads  number of key/value heads, a divisor of {@code heads}
 * @param headSize floats of one head's row
 */
public record ModelShape(String type, int layers, int heads, int kvHeads, int headSize) {

    @Override
    public String toString() {
        return type + " with " + layers + " layers, " + heads + " heads, " + kvHeads + " KV heads of size " + headSize;
    }
}
