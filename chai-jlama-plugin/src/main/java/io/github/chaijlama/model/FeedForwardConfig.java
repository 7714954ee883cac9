// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.List;
import java.util.Optional;

/** The feed-forward network of a layer. */
public sealed interface FeedForwardConfig {

    /**
     * {@code down(activation(gate(x)) * up(x))}, or without a gate {@code down(activation(up(x)))}.
     *
     * @param gate {@code (size, hiddenSize)}
     * @param up   {@code (size, hiddenSize)}
     * @param down {@code (hiddenSize, size)}
     */
    record Mlp(Activation activation, Optional<Projection> gate, Projection up, Projection down)
            implements
                FeedForwardConfig {

        /** Returns the values of a row inside the network. */
        public int size() {
            return up.weight().rows();
        }
    }

    /**
     * A mixture of experts: a router chooses some networks for every row, whose outputs are summed, weighted by the
     * softmax of the router's scores of the chosen (arXiv:2401.04088).
     *
     * @param router          {@code (experts, hiddenSize)}
     * @param expertsPerToken how many are chosen
     * @param experts         networks of one size
     */
    record Experts(Projection router, int expertsPerToken, List<Mlp> experts) implements FeedForwardConfig {

        public Experts {
            experts = List.copyOf(experts);
        }
    }
}
