// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.profile;

import java.util.HashSet;
import java.util.List;

/**
 * The part of a model's shape that a profile depends on. Immutable.
 *
 * @param type      {@code model_type} of the model's config.json, for instance {@code llama}
 * @param layers    number of layers
 * @param heads     number of query heads of every layer
 * @param kvHeads   number of key/value heads, divisors of {@code heads}: one number where all layers are alike, or one
 *                  for each layer
 * @param headSizes floats of one head's row: one number where all layers are alike, or one for each layer
 */
public record ModelShape(String type, int layers, int heads, List<Integer> kvHeads, List<Integer> headSizes) {

    public ModelShape {
        kvHeads = shortest(kvHeads);
        headSizes = shortest(headSizes);
    }

    /** Creates the shape of a model whose layers are alike. */
    public ModelShape(String type, int layers, int heads, int kvHeads, int headSize) {
        this(type, layers, heads, List.of(kvHeads), List.of(headSize));
    }

    private static List<Integer> shortest(List<Integer> ofLayers) {
        return new HashSet<>(ofLayers).size() == 1 ? List.of(ofLayers.getFirst()) : List.copyOf(ofLayers);
    }

    /** Returns the key/value heads of a layer. */
    public int kvHeads(int layer) {
        return kvHeads.get(kvHeads.size() == 1 ? 0 : layer);
    }

    /** Returns the floats of one head's row in a layer. */
    public int headSize(int layer) {
        return headSizes.get(headSizes.size() == 1 ? 0 : layer);
    }

    @Override
    public String toString() {
        return type + " with " + layers + " layers, " + heads + " heads, " + text(kvHeads) + " KV heads of size "
                + text(headSizes);
    }

    private static String text(List<Integer> ofLayers) {
        return ofLayers.size() == 1 ? ofLayers.getFirst().toString() : ofLayers.toString();
    }
}
