// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.util.List;
import java.util.Optional;

import io.github.chaijlama.kernel.RowKernels;
import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.model.Activation;
import io.github.chaijlama.model.FeedForwardConfig;
import io.github.chaijlama.product.MatrixProducts.Product;
import io.github.chaijlama.weight.WeightSource;

/**
 * {@code down(activation(gate(x)) * up(x))}, or without a gate {@code down(activation(up(x)))}.
 *
 * @param size values of a row inside
 */
record Mlp(Activation activation, Optional<Linear> gate, Linear up, Linear down, int size, StepTools tools)
        implements
            FeedForward {

    static Mlp of(FeedForwardConfig.Mlp config, WeightSource weights, StepTools tools) {
        return new Mlp(config.activation(), config.gate().map(gate -> Linear.of(gate, weights)),
                Linear.of(config.up(), weights), Linear.of(config.down(), weights), config.size(), tools);
    }

    @Override
    public void forward(Rows in, Rows out) {
        RowKernels kernels = tools.kernels();
        Rows inner = tools.scratch().up.rows(in.count(), size); // (row, size)
        if (gate.isEmpty()) {
            up.forward(in, inner, tools);
            tools.forEachRow(inner, row -> kernels.activate(activation, inner.memory(), inner.at(row), size));
            down.forward(inner, out, tools);
            return;
        }
        Rows gated = tools.scratch().gate.rows(in.count(), size); // (row, size)
        tools.products().multiply(in,
                List.of(Product.whole(gated, gate.get().weight()), Product.whole(inner, up.weight())));
        gate.get().addBias(gated, tools);
        up.addBias(inner, tools);
        tools.forEachRow(gated,
                row -> kernels.gate(activation, gated.memory(), gated.at(row), inner.memory(), inner.at(row), size));
        down.forward(gated, out, tools);
    }
}
