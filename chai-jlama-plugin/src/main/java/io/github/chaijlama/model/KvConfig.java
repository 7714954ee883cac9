// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.Optional;

/** Where the keys and values of a layer come from. */
public sealed interface KvConfig {

    /**
     * The layer's own.
     *
     * @param key       {@code (kvHead * headSize, hiddenSize)}
     * @param value     {@code (kvHead * headSize, hiddenSize)}; empty where values are what {@code key} gives, before
     *                  its norm
     * @param keyNorm   norm of each head's key, or of all heads' as one row, before they are rotated
     * @param valueNorm norm of each head's value
     */
    record Own(Projection key, Optional<Projection> value, Optional<NormConfig> keyNorm,
            Optional<NormConfig> valueNorm) implements KvConfig {

        /** Returns keys and values of projections of their own, without norms. */
        static Own of(Projection key, Projection value) {
            return new Own(key, Optional.of(value), Optional.empty(), Optional.empty());
        }
    }

    /**
     * Those of an earlier layer, whose heads are alike.
     *
     * @param layer which has keys and values of its own
     */
    record OfLayer(int layer) implements KvConfig {}
}
