// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.profile.Membership;

/**
 * How the heads of a calibrated model will find their clusters.
 *
 * @param kind           for every sequence anew, or once in the profile
 * @param window         tokens that decide, {@link Kind#ONLINE} only
 * @param offset         tokens before them that do not count, {@link Kind#ONLINE} only
 * @param algorithm      how heads are clustered
 * @param representative which head represents a cluster
 */
public record MembershipChoice(Kind kind, int window, int offset, ClusteringAlgorithm algorithm,
        RepresentativeChoice representative) {

    /** When membership is decided. */
    public enum Kind {
        /** From the first tokens of each sequence, as in the paper. */
        ONLINE,
        /** From the sample texts, written into the profile. */
        STATIC
    }

    public MembershipChoice {
        toOnline(window, offset, algorithm, representative);
    }

    /** Returns the membership of sequences that decide for themselves. */
    Membership.Online toOnline() {
        return toOnline(window, offset, algorithm, representative);
    }

    /** Checks window and offset, too. */
    private static Membership.Online toOnline(int window, int offset, ClusteringAlgorithm algorithm,
            RepresentativeChoice representative) {
        return new Membership.Online(window, offset, algorithm, representative);
    }

    /** Returns the tokens of a sequence that are exact, whatever the profile. */
    int exactTokens() {
        return kind == Kind.ONLINE ? window + offset : 0;
    }
}
