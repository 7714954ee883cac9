// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.util.List;
import java.util.Optional;

import io.github.chaijlama.attention.HeadRun;
import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.model.Projection;
import io.github.chaijlama.product.MatrixProducts.Product;
import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightSource;

/**
 * A linear layer.
 *
 * @param weight {@code (out, in)}
 * @param bias   {@code (out)}, if there is one
 */
record Linear(Weight weight, Optional<Weight> bias) {

    static Linear of(Projection projection, WeightSource weights) {
        return new Linear(weights.weight(projection.weight()), projection.bias().map(weights::weight));
    }

    /** Calculates {@code out = W in + b}. */
    void forward(Rows in, Rows out, StepTools tools) {
        tools.products().multiply(in, List.of(Product.whole(out, weight)));
        addBias(out, tools);
    }

    /** Adds the bias to every row. */
    void addBias(Rows rows, StepTools tools) {
        addBias(rows, List.of(new HeadRun(0, 1)), weight.rows(), tools);
    }

    /** Adds the bias of some heads to every row. */
    void addBias(Rows rows, List<HeadRun> heads, int headSize, StepTools tools) {
        bias.ifPresent(present -> tools.forEachRow(rows, row -> {
            for (HeadRun run : heads) {
                long first = (long) run.first() * headSize;
                tools.kernels().add(rows.memory(), rows.at(row) + first, present.data(), first, 1,
                        run.count() * headSize);
            }
        }));
    }
}
