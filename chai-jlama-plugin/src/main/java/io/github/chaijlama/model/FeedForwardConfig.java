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
     * What scores experts.
     *
     * @param norm       norm of rows that are scored, where they are not those that experts get
     * @param projection {@code (experts, hiddenSize)}
     * @param multiplier factor of scores, 1 for none
     * @param shares     factor of each expert's weight, {@code (experts)}, once weights are known
     */
    record Router(Optional<NormConfig> norm, Projection projection, float multiplier, Optional<TensorPart> shares) {

        /** Returns a router that is nothing but a linear layer. */
        static Router of(Projection projection) {
            return new Router(Optional.empty(), projection, 1, Optional.empty());
        }
    }

    /**
     * A mixture of experts: a router chooses some networks for every row, those with the highest scores, whose outputs
     * are summed with weights.
     *
     * @param router          what scores them
     * @param expertsPerToken how many are chosen
     * @param routing         what the weights are
     * @param norm            norm of the rows that experts get, and the router does not
     * @param experts         networks of one size
     */
    record Experts(Router router, int expertsPerToken, Routing routing, Optional<NormConfig> norm, List<Mlp> experts)
            implements
                FeedForwardConfig {

        public Experts {
            experts = List.copyOf(experts);
        }
    }

    /**
     * A part of a sum, {@code after(network(before(x)))}.
     *
     * @param before norm of what goes in
     * @param after  norm of what comes out
     */
    record Branch(Optional<NormConfig> before, FeedForwardConfig network, Optional<NormConfig> after) {}

    /** Networks side by side, whose outputs are added; each norms the layer's rows itself. */
    record Sum(List<Branch> branches) implements FeedForwardConfig {

        public Sum {
            branches = List.copyOf(branches);
        }
    }
}
