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

    /** How a router's scores become the weights of what the chosen experts say. */
    enum Routing {
        /** The softmax of the scores of the chosen (arXiv:2401.04088). */
        AMONG_CHOSEN,
        /** The softmax of all scores, of which the weights of the chosen are a part. */
        AMONG_ALL
    }

    /**
     * A mixture of experts: a router chooses some networks for every row, those with the highest scores, whose outputs
     * are summed with weights.
     *
     * @param router          {@code (experts, hiddenSize)}
     * @param expertsPerToken how many are chosen
     * @param routing         what the weights are
     * @param experts         networks of one size
     */
    record Experts(Projection router, int expertsPerToken, Routing routing, List<Mlp> experts)
            implements
                FeedForwardConfig {

        public Experts {
            experts = List.copyOf(experts);
        }
    }
}
