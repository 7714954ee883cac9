// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.profile;

import java.util.List;

import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.cluster.RepresentativeChoice;

/** How a sequence learns which heads belong together. */
public sealed interface Membership {
    /** The paper's membership window, in tokens. */
    int DEFAULT_WINDOW = 5;

    /**
     * Decided for every sequence from the attention probabilities of its own first tokens.
     *
     * @param window         tokens whose probabilities decide, at least 1
     * @param offset         tokens before the window, which are exact as well but do not count; 0 in the paper
     * @param algorithm      how heads are clustered
     * @param representative which head represents a cluster
     */
    record Online(int window, int offset, ClusteringAlgorithm algorithm,
            RepresentativeChoice representative) implements Membership {
        public Online {
            if (window < 1) {
                throw new ProfileException("membership window must be at least 1 token, found " + window);
            }
            if (offset < 0) {
                throw new ProfileException("membership offset must be 0 tokens or more, found " + offset);
            }
            if (window > Integer.MAX_VALUE - offset) {
                throw new ProfileException(
                        "membership window and offset are too large: " + window + " and " + offset + " tokens");
            }
        }
    }

    /**
     * The same for every sequence, from its first token on.
     *
     * @param layers clusters of each layer
     */
    record Static(List<HeadClusters> layers) implements Membership {
        public Static {
            layers = List.copyOf(layers);
        }
    }

    /**
     * Decided for every sequence from the attention probabilities of its whole prompt, which is read exactly; what is
     * generated after it is clustered.
     *
     * @param algorithm      how heads are clustered
     * @param representative which head represents a cluster
     */
    record Prompt(ClusteringAlgorithm algorithm, RepresentativeChoice representative) implements Membership {}

    /** Returns the paper's choice: a window of 5 tokens, average linkage, the lowest head represents. */
    static Online defaults() {
        return new Online(DEFAULT_WINDOW, 0, ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.FIRST);
    }
}
