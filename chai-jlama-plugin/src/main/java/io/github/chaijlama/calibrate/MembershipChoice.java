// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.profile.Membership;

/**
 * How the heads of a calibrated model will find their clusters. {@link MembershipSettings} makes one of what somebody
 * asked for.
 *
 * @param kind           for every sequence anew, or once in the profile
 * @param window         tokens that decide, {@link Kind#ONLINE} only
 * @param offset         tokens before them that do not count, {@link Kind#ONLINE} only
 * @param algorithm      how heads are clustered
 * @param representative which head represents a cluster
 * @param distance       what makes heads alike, {@link Kind#STATIC} only; other than {@link HeadDistance#ATTENTION}
 *                       leaves algorithm and representative unused
 */
public record MembershipChoice(Kind kind, int window, int offset, ClusteringAlgorithm algorithm,
        RepresentativeChoice representative, HeadDistance distance) {

    /** How heads are clustered if nobody says how. */
    static final ClusteringAlgorithm DEFAULT_ALGORITHM = ClusteringAlgorithm.AGGLOMERATIVE;
    /** Which head represents a cluster if nobody says which. */
    static final RepresentativeChoice DEFAULT_REPRESENTATIVE = RepresentativeChoice.FIRST;

    /**
     * Tokens that decide if nobody says how many. The paper's 5 ({@code Membership.DEFAULT_WINDOW}) do not reach far
     * behind the header of most chat templates: on 200 dialogues of the Pocket model 16 lost less in three of four ways
     * to cluster and as much in the fourth, and 48 more than 16 in all.
     */
    public static final int DEFAULT_WINDOW = 16;

    /** When membership is decided. */
    public enum Kind {
        /** From the first tokens of each sequence, as in the paper. */
        ONLINE,
        /** From the whole prompt of each sequence, which stays exact. */
        PROMPT,
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

    /** Returns the membership of sequences whose prompt decides. */
    Membership.Prompt toPrompt() {
        return new Membership.Prompt(algorithm, representative);
    }

    /** Checks window and offset, too. */
    private static Membership.Online toOnline(int window, int offset, ClusteringAlgorithm algorithm,
            RepresentativeChoice representative) {
        return new Membership.Online(window, offset, algorithm, representative);
    }

    /** Whether distances between the outputs of attention are needed. */
    boolean comparesOutputs() {
        return kind == Kind.STATIC && (distance == HeadDistance.OUTPUT || distance == HeadDistance.WEIGHTED);
    }

    /** Returns the fewest tokens that are exact in every text, whatever the profile. */
    int exactTokens() {
        return switch (kind) {
            case ONLINE -> window + offset;
            case PROMPT -> 3; // half of a text plays the prompt, and at least one token must be predicted behind it
            case STATIC -> 0;
        };
    }
}
