// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.Objects;
import java.util.Optional;

import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;

/**
 * One way of running a model, to be compared with others.
 *
 * @param name    name in results
 * @param profile clusters; empty for exact attention, whatever the model
 * @param kvType  how keys and values are stored
 */
public record Arm(String name, Optional<ClusterProfile> profile, KvType kvType) {
    /** Exact attention with keys and values of 32 bits: what all others are compared with. */
    public static final Arm EXACT = new Arm("exact", Optional.empty(), KvType.F32);

    public Arm {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(kvType, "kvType");
    }

    /** Creates an arm with clusters, and keys and values of 32 bits. */
    public Arm(String name, ClusterProfile profile) {
        this(name, Optional.of(profile), KvType.F32);
    }

    /**
     * Whether clusters are in use at the end of a text of this many tokens: with fewer than the window they are not
     * decided.
     */
    boolean isClustered(int tokens) {
        return profile.isPresent() && (waitsForPrompt() ? promptOf(tokens) > 0 : tokens > tokensToDecide());
    }

    /**
     * Whether a sequence can be cut back to its prompt of this many tokens without losing what its clusters are decided
     * from.
     */
    boolean canCutTo(int tokens) {
        return tokens >= tokensToDecide();
    }

    /** Whether clusters are decided when the prompt ends. */
    boolean waitsForPrompt() {
        return profile.map(ClusterProfile::membership).filter(Membership.Prompt.class::isInstance).isPresent();
    }

    /**
     * Returns how many tokens of a text play the prompt for arms that wait for one: half of them, 0 of fewer than 3.
     */
    public static int promptOf(int tokens) {
        return tokens < 3 ? 0 : tokens / 2;
    }

    private long tokensToDecide() {
        return profile.map(ClusterProfile::membership).filter(Membership.Online.class::isInstance)
                .map(Membership.Online.class::cast).map(online -> (long) online.offset() + online.window()).orElse(0L);
    }
}
