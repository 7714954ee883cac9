// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

/**
 * A layer that is being described.
 *
 * @param config     the configuration of the model
 * @param layer      its number, from 0
 * @param hiddenSize floats of a row between layers
 */
record LayerSite(ConfigValues config, int layer, int hiddenSize) {

    /** Returns the beginning of its tensors' names. */
    String prefix() {
        return "model.layers." + layer + ".";
    }
}
