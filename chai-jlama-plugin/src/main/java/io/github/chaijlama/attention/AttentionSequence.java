// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;

import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.kv.KvStore;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.kv.PagePool;
import io.github.chaijlama.kv.PagePool.Page;
import io.github.chaijlama.kv.PagePool.Reservation;
import io.github.chaijlama.profile.ClusterProfile;

/**
 * What attention remembers of one sequence: keys and values, and which heads belong together. Everything mutable about
 * attention lives here, nothing in the layers. Not thread-safe.
 *
 * <p>A step is {@link #beginStep}, the pass of every layer in order, {@link #endStep}. Memory for the whole step is set
 * aside at its beginning, so a step that has begun does not run out of it.
 */
public final class AttentionSequence implements AutoCloseable {
    private final PagePool pool;
    private final KvStore store;
    private final SequenceMembership membership;
    /** The layer whose keys and values each layer uses, mostly itself. */
    private final int[] kvLayers;
    /** The sliding window of each layer, 0 where it sees everything. */
    private final int[] slidingWindows;
    private final List<AttentionObserver> observers = new ArrayList<>();
    private RowOrder rowOrder = RowOrder.BY_NUMBER;
    private Optional<Reservation> reservation = Optional.empty();
    private int length;
    private int stepTokens;
    /** Whether keys are turned by the angles of long sequences, where a model has such. */
    private boolean stretched;
    /** The positions at which the prompt ended, if that was said; the one that decided membership, if one did. */
    private OptionalInt promptEnd = OptionalInt.empty();
    /** The tokens of the positions, where they may be needed again; there may be more than positions. */
    private int[] tokens = new int[0];
    private boolean prompt = true;
    private boolean closed;

    /**
     * Starts an empty sequence.
     *
     * @param layers  the heads of each layer
     * @param profile clusters per layer
     * @param pool    where keys and values live
     * @param type    how they are stored
     */
    AttentionSequence(List<LayerHeads> layers, ClusterProfile profile, PagePool pool, KvType type) {
        this.pool = pool;
        this.store = new KvStore(pool, layers.stream().map(LayerHeads::kvRows).toList(), type);
        this.membership = new SequenceMembership(layers, profile, store);
        this.slidingWindows = new int[layers.size()];
        this.kvLayers = layers.stream().mapToInt(LayerHeads::kvLayer).toArray();
    }

    /** Returns the positions that every layer has seen. */
    public int length() {
        return length;
    }

    /** Returns the clusters a layer uses now: every head its own until membership is decided. */
    public HeadClusters clusters(int layer) {
        return membership.plan(layer).clusters();
    }

    /**
     * Shows every row of every layer to an observer from now on.
     *
     * @throws IllegalStateException if the sequence is clustered, or has seen tokens already
     */
    public void observe(AttentionObserver observer) {
        if (!membership.isExact() || length > 0) {
            throw new IllegalStateException("only a new sequence with exact attention can be observed");
        }
        observers.add(observer);
    }

    /** Whether its keys are turned by the angles of long sequences, where a model has such. */
    public boolean isStretched() {
        return stretched;
    }

    /** Calculates positions again. */
    public interface Repetition {
        /**
         * Takes tokens that the sequence has remembered through the layers, as they come next.
         *
         * @param tokens where they stand, and all that follow
         * @param from   the first of them
         * @param end    behind the last one
         */
        void repeat(int[] tokens, int from, int end);
    }

    /**
     * Calculates everything anew with keys that are turned by other angles, the prompt as a prompt and what came behind
     * its end as it came. All tokens must have been {@linkplain #remember remembered}.
     *
     * @param newStretched whether by those of long sequences
     * @param newLength    positions it will have after the next step
     * @throws io.github.chaijlama.kv.KvCacheFullException if the budget does not hold them; nothing has changed then
     */
    public void restart(boolean newStretched, int newLength, Repetition repetition) {
        long most = store.pagesForAll(newLength);
        long own = store.ownBytes() / pool.pageBytes(); // what others have too does not become free
        pool.reserve(Math.max(0, most - own), store.ownBytes()).close();
        int[] again = Arrays.copyOf(tokens, length);
        OptionalInt end = promptEnd;
        boolean wasPrompt = prompt;
        RowOrder order = rowOrder;
        reset();
        stretched = newStretched;
        rowOrder = order == RowOrder.BY_NUMBER ? order : RowOrder.TILES;
        int first = Math.min(end.orElse(again.length), again.length);
        repetition.repeat(again, 0, first);
        end.ifPresent(_ -> endPrompt());
        repetition.repeat(again, first, again.length);
        prompt = wasPrompt;
        rowOrder = order;
    }

    /** Remembers the tokens of the next positions, in case the sequence must be calculated anew. */
    public void remember(int[] source, int from, int count) {
        if (length + count > tokens.length) {
            tokens = Arrays.copyOf(tokens, Math.max(2 * tokens.length, length + count));
        }
        System.arraycopy(source, from, tokens, length, count);
    }

    /** Returns the bytes of the rows stored, by the formula of {@link KvStore#usedBytes()}. */
    public long usedBytes() {
        return store.usedBytes();
    }

    /** Returns the bytes of the pages held. */
    public long allocatedBytes() {
        return store.allocatedBytes();
    }

    /** Returns the pages held. */
    public Stream<Page> pages() {
        return store.pages();
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
        if (reservation.isPresent()) {
            throw new IllegalStateException("a step of this sequence has not ended; if it failed, close the sequence");
        }
        // Pages that are replaced by copies are not held besides them.
        long kept = store.allocatedBytes() - store.sharedLastPages() * pool.pageBytes();
        reservation = Optional.of(pool.reserve(membership.pagesFor(length, tokens), kept));
        stepTokens = tokens;
    }

    /** Declares the tokens of the step seen by every layer. */
    public void endStep() {
        length += stepTokens;
        endReservation();
    }

    /** Takes a step back that has not reached a layer yet. */
    public void abandonStep() {
        endReservation();
    }

    private void endReservation() {
        reservation.ifPresent(Reservation::close);
        reservation = Optional.empty();
    }

    /** Whether a step has begun and not ended. */
    public boolean isInStep() {
        return reservation.isPresent();
    }

    /**
     * Cuts the sequence back to its first {@code newLength} positions and returns the memory of the others.
     *
     * @throws IllegalArgumentException if membership was decided, or is being decided, from positions that would be
     *                                  cut: a sequence can be cut to 0 or to any length from the end of its window on;
     *                                  or if layers with a sliding window have forgotten what they saw then: such a
     *                                  sequence can be cut by as many positions as its shortest window
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
        } else if (newLength < membership.windowEnd()) {
            throw new IllegalArgumentException("a sequence can be cut to 0 or to at least the " + membership.windowEnd()
                    + " positions its membership was decided from, asked for " + newLength);
        } else if (!reaches(newLength)) {
            throw new IllegalArgumentException("a sequence of " + length + " positions cannot be cut to " + newLength
                    + ": what layers with a sliding window saw then is forgotten");
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
        if (closed || isInStep() || newLength < 1 || newLength > length) {
            return false;
        }
        if (membership.decidesFromPrompt()) {
            return membership.waitsForEndOfPrompt() && newLength == length;
        }
        return newLength == length || newLength >= membership.windowEnd() && reaches(newLength);
    }

    /**
     * Whether the first {@code newLength} positions can be {@linkplain #copyFrom copied} once they have been seen:
     * membership is decided from them, and layers with a sliding window have not forgotten what they saw then. Of
     * positions that are seen by the next step nothing is forgotten before the one after it.
     */
    public boolean canBeCopied(int newLength) {
        return newLength >= membership.windowEnd() && !membership.decidesFromPrompt() && reaches(newLength);
    }

    /**
     * Whether positions of an answer that the next step sees behind the first {@code newLength} can be
     * {@linkplain #truncate cut} again, and no bit tells that they were there: membership is decided from fewer, rows
     * are added in one order, and nobody looks. No layer forgets in a step what is needed for that.
     *
     * @param newLength more positions than there are now
     */
    public boolean canTakeBackBehind(int newLength) {
        return newLength > length && newLength >= membership.windowEnd() && rowOrder == RowOrder.SINGLE_ROWS
                && observers.isEmpty();
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
        if (length > 0 || isInStep() || !source.isReusable(newLength) || newLength < source.membership.windowEnd()) {
            throw new IllegalArgumentException("the first " + newLength + " of " + source.length
                    + " positions cannot be copied to a sequence of " + length);
        }
        System.arraycopy(source.slidingWindows, 0, slidingWindows, 0, slidingWindows.length);
        stretched = source.stretched;
        promptEnd = source.promptEnd;
        tokens = Arrays.copyOf(source.tokens, Math.min(newLength, source.tokens.length));
        membership.copyFrom(source.membership);
        try (Reservation pages = pool.reserve(store.pagesForCopy(source.store, newLength), 0)) {
            store.copyFrom(source.store, newLength, pages);
            length = newLength;
        } catch (RuntimeException | Error e) {
            reset();
            throw e;
        }
    }

    /** Makes the sequence as new, also in the middle of a step that failed. */
    public void reset() {
        prompt = true;
        store.clear();
        endReservation();
        promptEnd = OptionalInt.empty();
        membership.start();
        rowOrder = RowOrder.BY_NUMBER;
        length = 0;
    }

    /** Returns all memory to the pool. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            store.close();
            endReservation();
        }
    }

    /** Returns the layer whose keys and values a layer uses. */
    int kvLayer(int layer) {
        return kvLayers[layer];
    }

    KvStore store() {
        return store;
    }

    /** Returns which heads belong together, and what that is decided from. */
    SequenceMembership membership() {
        return membership;
    }

    /**
     * Makes room for rows in a layer, and forgets what its window has left behind when the step begins: another layer
     * may read the keys of this one from the step's first row on. Twice the window is kept, so that a sequence can be
     * cut back by one.
     *
     * @param end    position behind the last row
     * @param window positions a row sees, 0 for all
     */
    void extend(int layer, int end, int window) {
        slidingWindows[layer] = window;
        if (window > 0) {
            store.forget(layer, Math.max(0, length - 2 * window + 1), reservation.orElseThrow());
        }
        store.extend(layer, end, reservation.orElseThrow());
    }

    /** Whether every layer still has what the row behind the first {@code newLength} positions sees. */
    private boolean reaches(int newLength) {
        for (int layer = 0; layer < slidingWindows.length; layer++) {
            if (store.firstPosition(layer) > Math.max(0, newLength - slidingWindows[layer] + 1)) {
                return false;
            }
        }
        return true;
    }

    /** Returns who looks at the sequence. */
    List<AttentionObserver> observers() {
        return observers;
    }

    /**
     * Returns whether rows to come are multiplied as a prompt's: until its end is said, and from when another is begun.
     * One or two rows of a sequence that is told nothing are not, since they may well be an answer's.
     *
     * @param rows how many come together
     */
    public boolean isPrompt(int rows) {
        return prompt && rowOrder.isOfTiles(rows);
    }

    /**
     * Says that the positions to come are those of a prompt, which may go on where another request ended, and those
     * behind its {@linkplain #endPrompt end} an answer's. The sums of a row are then added in an order that depends on
     * which of them it is, and not on how many rows come at once.
     *
     * @throws IllegalStateException if a step has begun
     */
    public void beginPrompt() {
        if (isInStep()) {
            throw new IllegalStateException("a prompt begins between steps");
        }
        prompt = true;
        rowOrder = RowOrder.TILES;
    }

    /** Returns the order in which the sums of the rows to come are added. */
    RowOrder rowOrder() {
        return rowOrder;
    }

    /**
     * Says that the positions seen are the prompt, and those to come generated or guessed. Where the prompt decides
     * membership, it is decided now.
     *
     * @throws IllegalStateException if no position has been seen, or a step has begun
     */
    public void endPrompt() {
        if (membership.waitsForEndOfPrompt()) {
            decideFromPrompt();
        } else if (!membership.decidesFromPrompt()) {
            promptEnd = OptionalInt.of(length);
        }
        prompt = false;
        if (rowOrder == RowOrder.TILES) {
            rowOrder = RowOrder.SINGLE_ROWS;
        }
    }

    private void decideFromPrompt() {
        if (length == 0 || isInStep()) {
            throw new IllegalStateException("a prompt ends after at least one token, and between steps");
        }
        reservation = Optional.of(pool.reserve(0, store.allocatedBytes()));
        try {
            membership.decideFromPrompt(length, reservation);
            promptEnd = OptionalInt.of(length);
        } finally {
            endReservation();
        }
    }

    /** Decides a layer's membership for the rest of the sequence, and drops the keys nobody will read. */
    void decide(int layer) {
        membership.decide(layer, reservation);
    }
}
