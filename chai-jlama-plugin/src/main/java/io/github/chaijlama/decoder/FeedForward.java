// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.model.FeedForwardConfig;
import io.github.chaijlama.weight.WeightSource;

/** The feed-forward network of a layer. */
interface FeedForward {

    /**
     * Calculates the network for every row.
     *
     * @param in  {@code (row, hiddenSize)}
     * @param out output, {@code (row, hiddenSize)}
     */
    void forward(Rows in, Rows out);

    static FeedForward of(FeedForwardConfig config, WeightSource weights, StepTools tools) {
        return switch (config) {
            case FeedForwardConfig.Mlp mlp -> Mlp.of(mlp, weights, tools);
            case FeedForwardConfig.Experts experts -> MixtureOfExperts.of(experts, weights, tools);
            case FeedForwardConfig.Sum sum -> SummedNetworks.of(sum, weights, tools);
        };
    }
}
