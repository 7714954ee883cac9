// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.Objects;

import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;

/**
 * One way of running a model, to be compared with others.
 *
 * @param name    name in results
 * @param profile clusters, null for exact attention
 */
public record Arm(String name, ClusterProfile profile) {
    /** Exact attention: what all others are compared with. */
    public static final Arm EXACT = new Arm("exact", null);

    public Arm {
        Objects.requireNonNull(name, "name");
    }

    /** Returns whether the clusters of some sequence of this many tokens make a difference. */
    boolean clusters(int tokens) {
        return tokens > exactTokens();
    }

    private long exactTokens() {
        if (profile == null) {
            return Long.MAX_VALUE;
        }
        return switch (profile.membership()) {
            case Membership.Online online -> (long) online.offset() + online.window();
            case Membership.Static _ -> 0;
        };
    }
}
