// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.util.List;

import io.github.chaijlama.attention.BrokenModelException;
import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.cluster.HeadGram;
import io.github.chaijlama.cluster.OutputDistances;
import io.github.chaijlama.jlama.ModelConfig;
import io.github.chaijlama.jlama.ModelSequence;

/**
 * One sequence of tokens running through a model. A session belongs to one thread at a time; sessions of a model do not
 * affect each other. Close it to give its memory back.
 */
public final class ChaiSession implements AutoCloseable {
    private final ModelSequence sequence;
    private final ModelConfig config;
    private final AttentionMode attention;

    ChaiSession(ModelSequence sequence, ModelConfig config, AttentionMode attention) {
        this.sequence = sequence;
        this.config = config;
        this.attention = attention;
    }

    /**
     * Runs the model over more tokens. How a text is cut into calls makes no difference to the result.
     *
     * @param tokens at least one token
     * @return logits of the last token, {@code (vocabularySize)}, after the model's own multiplier and cap, before
     *         temperature; the caller's to keep
     * @throws ContextLengthException                      if they do not fit into the context
     * @throws io.github.chaijlama.kv.KvCacheFullException if their keys and values do not fit into the budget; tokens
     *                                                     of earlier batches of this call have been seen then, see
     *                                                     {@link #length()}
     * @throws BrokenModelException                        if the model's numbers are not finite
     * @throws IllegalArgumentException                    if there is no token, or one is outside the vocabulary
     */
    public float[] feed(int... tokens) {
        requireFeedable(tokens);
        float[] logits = sequence.feed(tokens);
        requireFinite(logits);
        return logits;
    }

    /**
     * Runs the model over more tokens, as {@link #feed} does, and returns what it expects after each of them: all
     * logits come from few matrix products, which is far cheaper than to feed token by token.
     *
     * @param tokens at least one token; the result takes their number times the vocabulary in floats
     * @return logits of each token, {@code (tokens.length, vocabularySize)}; the caller's to keep
     * @throws ContextLengthException                      as {@link #feed}
     * @throws io.github.chaijlama.kv.KvCacheFullException as {@link #feed}
     * @throws BrokenModelException                        as {@link #feed}
     * @throws IllegalArgumentException                    as {@link #feed}
     */
    public float[][] feedAll(int... tokens) {
        requireFeedable(tokens);
        float[][] logits = sequence.feedAll(tokens);
        for (float[] row : logits) {
            requireFinite(row);
        }
        return logits;
    }

    /**
     * Forgets all tokens but the first ones: the sequence goes on from there as if the others had never been fed.
     *
     * @param newLength tokens to keep: 0, or at least those that clusters are decided from (offset and window)
     * @throws IllegalArgumentException      if there are fewer tokens, or clusters are decided from some that would be
     *                                       forgotten
     * @throws UnsupportedOperationException with Jlama's own cache
     */
    public void truncate(int newLength) {
        sequence.truncate(newLength);
    }

    /**
     * Whether this session, cut back to its first tokens, is what a new one would be that was fed them as the beginning
     * of its prompt. Clusters decided from a window or fixed in the profile allow every length that covers the window,
     * exact attention any length. Clusters decided from a whole prompt are those of that prompt alone. Jlama's own
     * cache allows none.
     *
     * @param newLength the tokens to keep, at least 1
     */
    public boolean isReusable(int newLength) {
        return sequence.isReusable(newLength);
    }

    /**
     * Returns a new session that has seen the first tokens of this one: their keys and values are copied, which takes
     * memory but next to no time.
     *
     * @param newLength tokens to copy, at least those that clusters are decided from (offset and window)
     * @throws IllegalArgumentException                    if they are not {@linkplain #isReusable reusable}, or too few
     * @throws io.github.chaijlama.kv.KvCacheFullException if the copies do not fit into the budget
     */
    public ChaiSession copy(int newLength) {
        return new ChaiSession(sequence.copy(newLength), config, attention);
    }

    private void requireFeedable(int[] tokens) {
        if (tokens.length == 0) {
            throw new IllegalArgumentException("there is no token to feed");
        }
        for (int token : tokens) {
            if (token < 0 || token >= config.vocabularySize()) {
                throw new IllegalArgumentException(
                        "tokens must be 0 to " + (config.vocabularySize() - 1) + ", found " + token);
            }
        }
        if (tokens.length > remaining()) {
            throw new ContextLengthException(length() + tokens.length, config.contextLength());
        }
    }

    private static void requireFinite(float[] logits) {
        for (float logit : logits) {
            if (!Float.isFinite(logit)) {
                throw new BrokenModelException("logits");
            }
        }
    }

    /**
     * From now on adds the attention probabilities of every position to products, for
     * {@linkplain io.github.chaijlama.calibrate calibration}. Each head's feature is its probabilities of all
     * positions, row after row.
     *
     * @param products one per layer; written by {@link #feed}
     * @throws IllegalStateException if attention is not {@link AttentionMode#EXACT}, or tokens have been seen already
     */
    public void observe(List<HeadGram> products) {
        sequence.observe(products);
    }

    /**
     * From now on adds by how much the output of attention would change at each position if heads took the
     * probabilities of others, for {@linkplain io.github.chaijlama.calibrate calibration}. Of models with many heads
     * only some positions are looked at, because the work grows with the heads squared: of {@code n} heads every
     * {@code n / 16}th, rounded up.
     *
     * @param distances one per layer; written by {@link #feed}
     * @throws IllegalStateException if attention is not {@link AttentionMode#EXACT}, or tokens have been seen already
     */
    public void observeOutputs(List<OutputDistances> distances) {
        sequence.observeOutputs(distances);
    }

    /**
     * Says that the tokens seen so far are the prompt and what follows is generated. A profile with
     * {@linkplain io.github.chaijlama.profile.Membership.Prompt PROMPT} membership decides its clusters now, and
     * sequences that are never told stay exact; for others nothing changes, and neither does it if it is said again.
     *
     * @throws IllegalStateException if membership waits for the prompt, and no token has been seen
     */
    public void endPrompt() {
        sequence.endPrompt();
    }

    /** Returns the tokens seen. */
    public int length() {
        return sequence.length();
    }

    /** Returns how many tokens still fit into the context. */
    public int remaining() {
        return config.contextLength() - length();
    }

    /** Returns the attention of this session. */
    public AttentionMode attention() {
        return attention;
    }

    /** Returns the clusters a layer uses now: every head its own until membership is decided. */
    public HeadClusters clusters(int layer) {
        return sequence.clusters(layer);
    }

    /**
     * Returns the bytes of the keys and values stored: over all layers, tokens times (K heads kept now + KV heads)
     * times the bytes of a head's row. -1 for Jlama's own cache.
     */
    public long kvCacheBytes() {
        return sequence.kvCacheBytes();
    }

    /** Returns the bytes of memory held for keys and values, whole pages. -1 for Jlama's own cache. */
    public long kvCacheAllocatedBytes() {
        return sequence.kvCacheAllocatedBytes();
    }

    @Override
    public void close() {
        sequence.close();
    }
}
