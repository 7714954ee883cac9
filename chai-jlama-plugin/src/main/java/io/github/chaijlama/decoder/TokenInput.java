// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.model.Activation;
import io.github.chaijlama.model.TokenInputConfig;
import io.github.chaijlama.weight.WeightSource;

/**
 * How a layer takes what tokens say to it: {@code norm(projection(activation(gate(x)) * c))}.
 *
 * @param layer number of the layer
 */
record TokenInput(int layer, Activation activation, Linear gate, Linear projection, Norm norm, StepTools tools) {

    static TokenInput of(int layer, TokenInputConfig config, WeightSource weights, StepTools tools) {
        return new TokenInput(layer, config.activation(), Linear.of(config.gate(), weights),
                Linear.of(config.projection(), weights), Norm.of(config.norm(), weights, tools), tools);
    }

    /**
     * Returns what is to be added to rows.
     *
     * @param inputs what tokens say to all layers, {@code (row, layer, size)}
     * @param change memory, {@code (row, hiddenSize)}
     * @param normed memory, {@code (row, hiddenSize)}
     */
    Rows forward(Rows x, Rows inputs, Rows change, Rows normed) {
        int size = gate.weight().rows();
        Rows gated = tools.scratch().gate.rows(x.count(), size); // (row, size)
        gate.forward(x, gated, tools);
        tools.forEachRow(gated, row -> tools.kernels().gate(activation, gated.memory(), gated.at(row),
                inputs.memory(), inputs.at(row) + (long) layer * size, size));
        projection.forward(gated, change, tools);
        return norm.apply(change, normed);
    }
}
