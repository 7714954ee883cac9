// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.cluster.HeadGram;
import io.github.chaijlama.kv.KvStore;
import io.github.chaijlama.kv.PagePool.Reservation;
import io.github.chaijlama.model.BrokenModelException;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;

/**
 * Which heads of one sequence belong together, layer by layer: known from the start, or decided once its window or its
 * prompt has been seen. Keys that nobody will read from then on are dropped from the sequence's store. Not thread-safe.
 */
final class SequenceMembership {
    private final ClusterProfile profile;
    private final KvStore store;
    private final LayerMembership[] layers;
    private final int windowStart;
    /** Where the window ends; before the end of a prompt that decides, as far away as possible. */
    private int windowEnd;

    /** A layer's clusters, and until they are known the features they will be decided from. */
    private static final class LayerMembership {
        private final LayerHeads heads;
        private HeadPlan plan;
        private Optional<HeadGram> undecided = Optional.empty();

        LayerMembership(LayerHeads heads) {
            this.heads = heads;
            this.plan = heads.exact();
        }
    }

    /**
     * Starts the membership of an empty sequence.
     *
     * @param heads   the heads of each layer
     * @param profile clusters per layer
     * @param store   the sequence's keys and values
     */
    SequenceMembership(List<LayerHeads> heads, ClusterProfile profile, KvStore store) {
        this.profile = profile;
        this.store = store;
        this.layers = heads.stream().map(LayerMembership::new).toArray(LayerMembership[]::new);
        this.windowStart = profile.membership() instanceof Membership.Online online ? online.offset() : 0;
        start();
    }

    /** Makes it that of an empty sequence, whose store must be empty. */
    void start() {
        windowEnd = switch (profile.membership()) {
            case Membership.Online online -> online.offset() + online.window();
            case Membership.Prompt _ -> Integer.MAX_VALUE;
            case Membership.Static _ -> 0;
        };
        for (int layer = 0; layer < layers.length; layer++) {
            layers[layer].plan = layers[layer].heads.exact();
            layers[layer].undecided = Optional.empty();
            int heads = layers[layer].heads.layout().numberOfHeads();
            if (profile.clusters().get(layer) == heads) {
                continue;
            }
            switch (profile.membership()) {
                case Membership.Online _,Membership.Prompt _ ->
                    layers[layer].undecided = Optional.of(new HeadGram(heads));
                case Membership.Static fixed -> setClusters(layer, fixed.layers().get(layer), Optional.empty());
            }
        }
    }

    /** Takes over what another sequence of the same model and profile has decided, before any position is stored. */
    void copyFrom(SequenceMembership source) {
        windowEnd = source.windowEnd;
        for (int layer = 0; layer < layers.length; layer++) {
            layers[layer].undecided = Optional.empty();
            setPlan(layer, source.layers[layer].plan, Optional.empty());
        }
    }

    /** Whether every head of every layer stays its own. */
    boolean isExact() {
        return profile.isExact();
    }

    /** Whether it is, or was, decided from the whole prompt. */
    boolean decidesFromPrompt() {
        return !isExact() && profile.membership() instanceof Membership.Prompt;
    }

    /** Whether the whole prompt decides membership, however long it is, and has not ended. */
    boolean waitsForEndOfPrompt() {
        return windowEnd == Integer.MAX_VALUE;
    }

    /** Returns where the window ends; before the end of a prompt that decides, as far away as possible. */
    int windowEnd() {
        return windowEnd;
    }

    /** Returns the first of some positions whose probabilities count for membership. */
    int firstInWindow(int position) {
        return Math.max(windowStart, position);
    }

    /** Whether the positions before {@code end} complete the window. */
    boolean isWindowComplete(int end) {
        return end == windowEnd;
    }

    HeadPlan plan(int layer) {
        return layers[layer].plan;
    }

    /** Returns how many of a batch's rows come before the layer's membership can be decided, and so are exact. */
    int undecidedRows(int layer, int position, int rows) {
        return layers[layer].undecided.isEmpty() ? 0 : Math.clamp((long) windowEnd - position, 0, rows);
    }

    /** Returns the features membership will be decided from, empty once it is decided. */
    Optional<HeadGram> undecided(int layer) {
        return layers[layer].undecided;
    }

    /**
     * Decides the membership of every layer from the prompt, which has ended.
     *
     * @param length      positions of the prompt
     * @param reservation where the pages of dropped keys go
     */
    void decideFromPrompt(int length, Optional<Reservation> reservation) {
        for (int layer = 0; layer < layers.length; layer++) {
            if (layers[layer].undecided.isPresent()) {
                decide(layer, reservation);
            }
        }
        windowEnd = length;
    }

    /**
     * Decides a layer's membership for the rest of the sequence, and drops the keys nobody will read.
     *
     * @param reservation where their pages go
     */
    void decide(int layer, Optional<Reservation> reservation) {
        HeadGram features = layers[layer].undecided.orElseThrow();
        if (!features.isFinite()) {
            throw new BrokenModelException("attention probabilities of layer " + layer);
        }
        int count = profile.clusters().get(layer);
        HeadClusters clusters = switch (profile.membership()) {
            case Membership.Online online -> online.algorithm().cluster(features, count, online.representative());
            case Membership.Prompt prompt -> prompt.algorithm().cluster(features, count, prompt.representative());
            case Membership.Static _ -> throw new IllegalStateException("static membership is known from the start");
        };
        layers[layer].undecided = Optional.empty();
        setClusters(layer, clusters, reservation);
    }

    private void setClusters(int layer, HeadClusters clusters, Optional<Reservation> reservation) {
        setPlan(layer, layers[layer].heads.plan(clusters), reservation);
    }

    private void setPlan(int layer, HeadPlan plan, Optional<Reservation> reservation) {
        layers[layer].plan = plan;
        for (int kvHead = 0; kvHead < layers[layer].heads.keptValueHeads(); kvHead++) {
            if (Arrays.binarySearch(plan.keptKeyHeads(), kvHead) < 0) {
                store.dropKeys(layer, kvHead, reservation);
            }
        }
    }

    /**
     * Returns the most pages a step can need at any moment. Layers run one after another, and a layer that decides its
     * membership gives pages back before the next one takes its own.
     *
     * @param length positions before the step
     * @param tokens positions of the step
     */
    long pagesFor(int length, int tokens) {
        long total = store.sharedLastPages(); // of the copies that are written to instead
        long most = total;
        for (int layer = 0; layer < layers.length; layer++) {
            int kvHeads = layers[layer].heads.keptValueHeads();
            int gone = store.forgottenPages(layer);
            long before = store.pagesFor(layer, length) - gone;
            long after = store.pagesFor(layer, length + tokens) - gone;
            long window = store.pagesFor(layer, windowEnd) - gone;
            total += kvHeads * (after - before); // values
            if (undecidedRows(layer, length, tokens) == 0) {
                total += layers[layer].plan.keptKeyHeads().length * (after - before);
            } else if (length + tokens < windowEnd) {
                total += kvHeads * (after - before);
            } else {
                int kept = layers[layer].heads.mostKeptKeyHeads(profile.clusters().get(layer));
                // Values of the rows behind the window are stored when the keys that nobody will read are gone.
                most = Math.max(most, total + kvHeads * (2 * window - after - before));
                total += kept * after - kvHeads * before;
            }
            most = Math.max(most, total);
        }
        return most;
    }
}
