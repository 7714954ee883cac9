// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;

/** What the tests of sessions share: two models, profiles for them, and a way to feed. */
final class SessionFixtures {
    /** The golden model with as many key/value heads as heads: 3 layers, 8 heads, head size 16. */
    static final Path MHA = GoldenCases.directory("mha");
    /** The golden model where 4 heads share a key/value head. */
    static final Path GQA = GoldenCases.directory("gqa");
    /** Bytes of one head's key or value of one token. */
    static final int ROW_BYTES = 16 * Float.BYTES;

    private SessionFixtures() {}

    /** A profile whose sequences decide their clusters on {@code window} tokens, after {@code offset} others. */
    static ClusterProfile online(ChaiModel model, int window, int offset, ClusteringAlgorithm algorithm,
            RepresentativeChoice choice, Integer... clusters) {
        return new ClusterProfile(model.config().shape(), List.of(clusters),
                new Membership.Online(window, offset, algorithm, choice));
    }

    /** The same as the paper decides: on the first tokens, agglomerative, represented by the first head. */
    static ClusterProfile online(ChaiModel model, int window, Integer... clusters) {
        return online(model, window, 0, ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.FIRST, clusters);
    }

    /** Feeds all tokens in pieces of these lengths, in turn and over again, and returns the last logits. */
    static float[] feed(ChaiSession session, int[] tokens, int... cuts) {
        float[] logits = null;
        int from = 0;
        for (int i = 0; from < tokens.length; i++) {
            int count = Math.min(cuts[i % cuts.length], tokens.length - from);
            logits = session.feed(Arrays.copyOfRange(tokens, from, from + count));
            from += count;
        }
        return logits;
    }
}
