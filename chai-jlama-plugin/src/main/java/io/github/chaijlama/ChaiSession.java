// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

import io.github.chaijlama.attention.AttentionObserver;
import io.github.chaijlama.attention.AttentionSequence;
import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.decoder.BatchPlan;
import io.github.chaijlama.decoder.Decoder;
import io.github.chaijlama.decoder.StepRun;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.kv.PagePool;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.profile.ClusterProfile;

/** A sequence of a {@link ChaiModel}. May be closed by another thread while it is running. */
public final class ChaiSession implements PromptSession {
    private final Decoder decoder;
    private final ClusterProfile profile;
    private final KvType kvCacheType;
    private final AttentionSequence sequence;

    ChaiSession(Decoder decoder, ClusterProfile profile, KvType kvCacheType) {
        this.decoder = decoder;
        this.profile = profile;
        this.kvCacheType = kvCacheType;
        this.sequence = decoder.newSequence(profile, kvCacheType);
    }

    private ModelConfig config() {
        return decoder.config();
    }

    @Override
    public float[] feed(int... tokens) {
        return run(tokens, false).getLast();
    }

    @Override
    public float[][] feedAll(int... tokens) {
        return run(tokens, true).toArray(float[][]::new);
    }

    private List<float[]> run(int[] tokens, boolean all) {
        SessionChecks.requireFeedable(config(), length(), tokens);
        List<float[]> logits = new ArrayList<>();
        int from = 0;
        for (int batch : BatchPlan.batches(tokens.length)) {
            int last = from + batch == tokens.length ? 1 : 0;
            StepRun run = new StepRun(sequence, tokens, from, batch, all ? batch : last);
            logits.addAll(List.of(SessionChecks.requireFinite(decoder.step(List.of(run)))));
            from += batch;
        }
        return logits;
    }

    StepRun toStep(SessionRun run) {
        return new StepRun(sequence, run.tokens(), run.from(), run.count(), run.logits());
    }

    /**
     * Returns how many tokens may be fed behind the next ones, in the same step, and be
     * {@linkplain #truncate cut} again if they turn out to be wrong, with the same numbers before and after as if they
     * had never been fed. Not in the window that clusters are decided from, for instance, nor with Jlama's operators.
     *
     * @param sure tokens that are fed in any case, at least 1
     */
    public int roomForGuesses(int sure) {
        return decoder.roomForGuesses(sequence, sure);
    }

    @Override
    public void truncate(int newLength) {
        decoder.betweenSteps(() -> sequence.truncate(newLength));
    }

    /**
     * Whether this session, cut back to its first tokens, is what a new one would be that was fed them as the beginning
     * of its prompt. Clusters decided from a window or fixed in the profile allow every length that covers the window,
     * exact attention any length. Clusters decided from a whole prompt are those of that prompt alone. Layers with a
     * sliding window forget: with such, no more can be cut than the shortest window holds.
     *
     * @param newLength the tokens to keep, at least 1
     */
    public boolean isReusable(int newLength) {
        return sequence.isReusable(newLength);
    }

    /**
     * Whether the first tokens of this session can be {@linkplain #copy copied} as soon as it has seen them: clusters
     * that are decided from a window need one that is covered, those decided from a whole prompt are never others'.
     */
    public boolean canBeCopied(int newLength) {
        return sequence.canBeCopied(newLength);
    }

    /**
     * Returns a new session that has seen the first tokens of this one. Whole pages of keys and values are shared until
     * one of both writes to them, the rest is copied. That takes little memory and next to no time.
     *
     * @param newLength tokens to copy, at least those that clusters are decided from (offset and window)
     * @throws IllegalArgumentException                    if they are not {@linkplain #isReusable reusable}, or too few
     * @throws io.github.chaijlama.kv.KvCacheFullException if the copies do not fit into the budget
     */
    public ChaiSession copy(int newLength) {
        ChaiSession copy = new ChaiSession(decoder, profile, kvCacheType);
        try {
            decoder.betweenSteps(() -> copy.sequence.copyFrom(sequence, newLength));
            return copy;
        } catch (RuntimeException | Error e) {
            copy.close();
            throw e;
        }
    }

    /**
     * Shows every row of every layer to an observer from now on, for
     * {@linkplain io.github.chaijlama.calibrate calibration}.
     *
     * @throws IllegalStateException if attention is not exact, or tokens have been seen already
     */
    public void observe(AttentionObserver observer) {
        sequence.observe(observer);
    }

    /**
     * Says that what is fed from now on is a prompt, also one that goes on where another request ended, and what is fed
     * behind its {@linkplain #endPrompt end} an answer. Results are then the same to the last bit however the tokens
     * are cut into calls, with operators whose products do not depend on how many rows there are
     * ({@link Operators#VECTOR}). A session that is told nothing calculates few tokens at once in another order than
     * many, which is faster and makes a difference in the last bits.
     */
    public void beginPrompt() {
        decoder.betweenSteps(sequence::beginPrompt);
    }

    @Override
    public void endPrompt() {
        decoder.betweenSteps(sequence::endPrompt);
    }

    @Override
    public int length() {
        return sequence.length();
    }

    /** Returns how many tokens still fit into the context. */
    public int remaining() {
        return config().contextLength() - length();
    }

    /** Returns the attention of this session: {@link AttentionMode#EXACT} or {@link AttentionMode#CLUSTERED}. */
    public AttentionMode attention() {
        return profile.isExact() ? AttentionMode.EXACT : AttentionMode.CLUSTERED;
    }

    /** Returns the clusters a layer uses now: every head its own until membership is decided. */
    public HeadClusters clusters(int layer) {
        return sequence.clusters(layer);
    }

    @Override
    public long kvCacheBytes() {
        return sequence.usedBytes();
    }

    /** Returns the bytes of memory held for keys and values, whole pages. */
    public long kvCacheAllocatedBytes() {
        return sequence.allocatedBytes();
    }

    /** Returns the pages of memory that it has, or shares with others. */
    Stream<PagePool.Page> pages() {
        return sequence.pages();
    }

    @Override
    public void close() {
        decoder.end(sequence);
    }
}
