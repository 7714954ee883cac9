// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.util.Arrays;
import java.util.List;

import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.cluster.HeadGram;
import io.github.chaijlama.cluster.OutputDistances;
import io.github.chaijlama.kv.KvStore;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.kv.PagePool;
import io.github.chaijlama.kv.PagePool.Reservation;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;

/**
 * What attention remembers of one sequence: keys and values, and which heads belong together. Everything mutable about
 * attention lives here, nothing in the layers. Not thread-safe.
 *
 * <p>A step is {@link #beginStep}, the pass of every layer in order, {@link #endStep}. Memory for the whole step is set
 * aside at its beginning, so a step that has begun does not run out of it.
 */
public final class AttentionSequence implements AutoCloseable {
    private final HeadLayout layout;
    private final ClusterProfile profile;
    private final PagePool pool;
    private final KvStore store;
    private final HeadPlan exact;
    private final LayerMembership[] layers;
    private final int windowStart;
    /** Where the window ends; before the end of a prompt that decides, as far away as possible. */
    private int windowEnd;
    /** Products of the probabilities of every position, one per layer; null unless somebody asked for them. */
    private List<HeadGram> observed;
    /** Distances of outputs over every position, one per layer; null unless somebody asked for them. */
    private List<OutputDistances> observedOutputs;
    private Reservation reservation;
    private int length;
    private int stepTokens;
    private boolean closed;

    /** A layer's clusters, and until they are known the features they will be decided from. */
    private static final class LayerMembership {
        private HeadPlan plan;
        private HeadGram undecided;
    }

    /**
     * Starts an empty sequence.
     *
     * @param exact   the plan of exact attention for this layout
     * @param profile clusters per layer, null for exact attention in every layer
     * @param pool    where keys and values live
     * @param type    how they are stored
     */
    AttentionSequence(HeadLayout layout, int numberOfLayers, HeadPlan exact, ClusterProfile profile, PagePool pool,
            KvType type) {
        this.layout = layout;
        this.profile = profile;
        this.pool = pool;
        this.exact = exact;
        this.store = new KvStore(pool, numberOfLayers, layout.numberOfKvHeads(), layout.headSize(), type);
        this.layers = new LayerMembership[numberOfLayers];
        Arrays.setAll(layers, layer -> new LayerMembership());
        Membership membership = profile == null ? null : profile.membership();
        this.windowStart = membership instanceof Membership.Online online ? online.offset() : 0;
        startMembership();
    }

    private void startMembership() {
        windowEnd = switch (profile == null ? null : profile.membership()) {
            case Membership.Online online -> online.offset() + online.window();
            case Membership.Prompt _ -> Integer.MAX_VALUE;
            case Membership.Static _ -> 0;
            case null -> 0;
        };
        for (int layer = 0; layer < layers.length; layer++) {
            layers[layer].plan = exact;
            layers[layer].undecided = null;
            if (profile == null || profile.clusters().get(layer) == layout.numberOfHeads()) {
                continue;
            }
            switch (profile.membership()) {
                case Membership.Online _,Membership.Prompt _ ->
                    layers[layer].undecided = new HeadGram(layout.numberOfHeads());
                case Membership.Static fixed -> setClusters(layer, fixed.layers().get(layer));
            }
        }
    }

    /** Returns the positions that every layer has seen. */
    public int length() {
        return length;
    }

    /** Returns the clusters a layer uses now: every head its own until membership is decided. */
    public HeadClusters clusters(int layer) {
        return layers[layer].plan.clusters();
    }

    /**
     * From now on adds the probabilities of every position to the products of its layer, which is what the offline
     * phase of CHAI needs of a text.
     *
     * @param products one per layer
     * @throws IllegalStateException if the sequence is clustered, or has seen tokens already
     */
    public void observe(List<HeadGram> products) {
        requireObservable(products.size());
        observed = List.copyOf(products);
    }

    /**
     * From now on adds what other heads' probabilities would change in the output of attention to the distances of its
     * layer.
     *
     * @param distances one per layer
     * @throws IllegalStateException if the sequence is clustered, or has seen tokens already
     */
    public void observeOutputs(List<OutputDistances> distances) {
        requireObservable(distances.size());
        observedOutputs = List.copyOf(distances);
    }

    private void requireObservable(int numberOfLayers) {
        if (profile != null || length > 0) {
            throw new IllegalStateException("only a new sequence with exact attention can be observed");
        }
        if (numberOfLayers != layers.length) {
            throw new IllegalArgumentException(
                    "products of " + numberOfLayers + " layers, the model has " + layers.length);
        }
    }

    /** Returns the bytes of the rows stored, by the formula of {@link KvStore#usedBytes()}. */
    public long usedBytes() {
        return store.usedBytes();
    }

    /** Returns the bytes of the pages held. */
    public long allocatedBytes() {
        return store.allocatedBytes();
    }

    /**
     * Sets aside the memory for a step of that many tokens.
     *
     * @throws io.github.chaijlama.kv.KvCacheFullException if the budget has not enough left; nothing has changed then
     */
    public void beginStep(int tokens) {
        if (closed) {
            throw new IllegalStateException("the sequence is closed");
        }
        if (reservation != null) {
            throw new IllegalStateException("a step of this sequence has not ended; if it failed, close the sequence");
        }
        reservation = pool.reserve(pagesFor(tokens), store.allocatedBytes());
        stepTokens = tokens;
    }

    /** Declares the tokens of the step seen by every layer. */
    public void endStep() {
        length += stepTokens;
        reservation.close();
        reservation = null;
    }

    /** Whether a step has begun and not ended. */
    public boolean isInStep() {
        return reservation != null;
    }

    /**
     * Cuts the sequence back to its first {@code newLength} positions and returns the memory of the others.
     *
     * @throws IllegalArgumentException if membership was decided, or is being decided, from positions that would be
     *                                  cut: a sequence can be cut to 0 or to any length from the end of its window on
     */
    public void truncate(int newLength) {
        if (newLength < 0 || newLength > length) {
            throw new IllegalArgumentException(
                    "a sequence of " + length + " positions cannot be cut to " + newLength);
        }
        if (newLength == length) {
            return;
        }
        if (newLength == 0) {
            reset();
        } else if (newLength < windowEnd) {
            throw new IllegalArgumentException("a sequence can be cut to 0 or to at least the " + windowEnd
                    + " positions its membership was decided from, asked for " + newLength);
        } else {
            store.truncate(newLength);
        }
        length = newLength;
    }

    /**
     * Whether the sequence, cut back to its first {@code newLength} positions, is what another one would be that was
     * fed their tokens as the beginning of its prompt. Where a prompt decided membership, it is not that of another
     * prompt.
     */
    public boolean isReusable(int newLength) {
        if (closed || reservation != null || newLength < 1 || newLength > length) {
            return false;
        }
        if (profile != null && profile.membership() instanceof Membership.Prompt) {
            return waitsForEndOfPrompt() && newLength == length;
        }
        return newLength == length || newLength >= windowEnd;
    }

    /**
     * Makes this sequence, which must be new and of the same model, profile and type, a copy of the first positions of
     * another.
     *
     * @param newLength positions to copy, at least those that membership was decided from
     * @throws io.github.chaijlama.kv.KvCacheFullException if the budget has not enough left; this sequence is still new
     *                                                     then
     * @throws IllegalArgumentException                    if that many positions cannot be
     *                                                     {@linkplain #isReusable reused}, or membership is not decided
     *                                                     yet
     */
    public void copyFrom(AttentionSequence source, int newLength) {
        if (length > 0 || reservation != null || !source.isReusable(newLength) || newLength < source.windowEnd) {
            throw new IllegalArgumentException("the first " + newLength + " of " + source.length
                    + " positions cannot be copied to a sequence of " + length);
        }
        windowEnd = source.windowEnd;
        for (int layer = 0; layer < layers.length; layer++) {
            layers[layer].undecided = null;
            setPlan(layer, source.layers[layer].plan);
        }
        try {
            reservation = pool.reserve(pagesFor(newLength), 0);
            store.copyFrom(source.store, newLength, reservation);
            length = newLength;
        } catch (RuntimeException | Error e) {
            reset();
            throw e;
        } finally {
            if (reservation != null) {
                reservation.close();
                reservation = null;
            }
        }
    }

    /** Makes the sequence as new, also in the middle of a step that failed. */
    public void reset() {
        store.clear();
        if (reservation != null) {
            reservation.close();
            reservation = null;
        }
        startMembership();
        length = 0;
    }

    /** Returns all memory to the pool. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            store.close();
            if (reservation != null) {
                reservation.close();
            }
        }
    }

    KvStore store() {
        return store;
    }

    HeadPlan plan(int layer) {
        return layers[layer].plan;
    }

    /** Stores room for a batch's rows in a layer. */
    void extend(int layer, int newLength) {
        store.extend(layer, newLength, reservation);
    }

    /** Returns how many of a batch's rows come before the layer's membership can be decided, and so are exact. */
    int undecidedRows(int layer, int position, int rows) {
        return layers[layer].undecided == null ? 0 : Math.clamp((long) windowEnd - position, 0, rows);
    }

    /** Whether a position's probabilities count for membership. */
    boolean isInWindow(int position) {
        return position >= windowStart && position < windowEnd;
    }

    /** Whether the positions before {@code end} complete the window. */
    boolean isWindowComplete(int end) {
        return end == windowEnd;
    }

    /** Returns the products to which a layer's probabilities are added, null if nobody asked for them. */
    HeadGram observed(int layer) {
        return observed == null ? null : observed.get(layer);
    }

    /** Returns the distances to which a layer's are added, null if nobody asked for them. */
    OutputDistances observedOutputs(int layer) {
        return observedOutputs == null ? null : observedOutputs.get(layer);
    }

    /** Returns the features membership will be decided from, null once it is decided. */
    HeadGram undecided(int layer) {
        return layers[layer].undecided;
    }

    /** Whether the whole prompt decides membership, however long it is. */
    boolean waitsForEndOfPrompt() {
        return windowEnd == Integer.MAX_VALUE;
    }

    /**
     * Says that the positions seen are the prompt. Where the prompt decides membership, it is decided now; otherwise,
     * or if it was said before, nothing happens.
     *
     * @throws IllegalStateException if no position has been seen, or a step has begun
     */
    public void endPrompt() {
        if (!waitsForEndOfPrompt()) {
            return;
        }
        if (length == 0 || reservation != null) {
            throw new IllegalStateException("a prompt ends after at least one token, and between steps");
        }
        reservation = pool.reserve(0, store.allocatedBytes());
        try {
            for (int layer = 0; layer < layers.length; layer++) {
                if (layers[layer].undecided != null) {
                    decide(layer);
                }
            }
            windowEnd = length;
        } finally {
            reservation.close();
            reservation = null;
        }
    }

    /** Decides a layer's membership for the rest of the sequence, and drops the keys nobody will read. */
    void decide(int layer) {
        if (!layers[layer].undecided.isFinite()) {
            throw new BrokenModelException("attention probabilities of layer " + layer);
        }
        int count = profile.clusters().get(layer);
        HeadGram features = layers[layer].undecided;
        HeadClusters clusters = switch (profile.membership()) {
            case Membership.Online online -> online.algorithm().cluster(features, count, online.representative());
            case Membership.Prompt prompt -> prompt.algorithm().cluster(features, count, prompt.representative());
            case Membership.Static _ -> throw new IllegalStateException("static membership is known from the start");
        };
        layers[layer].undecided = null;
        setClusters(layer, clusters);
    }

    private void setClusters(int layer, HeadClusters clusters) {
        setPlan(layer, new HeadPlan(layout, clusters));
    }

    private void setPlan(int layer, HeadPlan plan) {
        layers[layer].plan = plan;
        for (int kvHead = 0; kvHead < layout.numberOfKvHeads(); kvHead++) {
            if (Arrays.binarySearch(plan.keyHeads(), kvHead) < 0) {
                store.dropKeys(layer, kvHead, reservation);
            }
        }
    }

    /**
     * Returns the most pages the step can need at any moment. Layers run one after another, and a layer that decides
     * its membership gives pages back before the next one takes its own.
     */
    private long pagesFor(int tokens) {
        long before = store.pagesFor(length);
        long after = store.pagesFor(length + tokens);
        long window = store.pagesFor(windowEnd);
        int kvHeads = layout.numberOfKvHeads();
        long total = 0;
        long most = 0;
        for (int layer = 0; layer < layers.length; layer++) {
            total += kvHeads * (after - before); // values
            if (undecidedRows(layer, length, tokens) == 0) {
                total += layers[layer].plan.keyHeads().length * (after - before);
            } else if (length + tokens < windowEnd) {
                total += kvHeads * (after - before);
            } else {
                int kept = Math.min(profile.clusters().get(layer), kvHeads);
                // Values of the rows behind the window are stored when the keys that nobody will read are gone.
                most = Math.max(most, total + kvHeads * (2 * window - after - before));
                total += kept * after - kvHeads * before;
            }
            most = Math.max(most, total);
        }
        return most;
    }
}
