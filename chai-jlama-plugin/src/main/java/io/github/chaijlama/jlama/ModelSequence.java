// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.util.List;

import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.cluster.HeadGram;
import io.github.chaijlama.cluster.OutputDistances;

/** A sequence of tokens and what a loaded model remembers of it. Not thread-safe. */
public interface ModelSequence extends AutoCloseable {

    /**
     * Runs the model over more tokens.
     *
     * @param tokens at least one token, all within the vocabulary, not beyond the context
     * @return logits of the last token, {@code (vocabularySize)}
     * @throws io.github.chaijlama.kv.KvCacheFullException if keys and values do not fit into the budget; tokens of
     *                                                     earlier batches of this call have been seen then
     */
    float[] feed(int... tokens);

    /**
     * From now on adds the attention probabilities of every position to the products of its layer.
     *
     * @throws IllegalStateException if the sequence is not exact, or not new
     */
    void observe(List<HeadGram> products);

    /**
     * From now on adds what other heads' probabilities would change in the output of attention to the distances of its
     * layer.
     *
     * @throws IllegalStateException if the sequence is not exact, or not new
     */
    void observeOutputs(List<OutputDistances> distances);

    /**
     * Runs the model over more tokens, as {@link #feed} does.
     *
     * @return logits of each token, {@code (tokens.length, vocabularySize)}
     */
    float[][] feedAll(int... tokens);

    /**
     * Forgets all tokens but the first {@code length}.
     *
     * @throws IllegalArgumentException      if there are fewer, or membership was decided from some that would be
     *                                       forgotten
     * @throws UnsupportedOperationException with Jlama's own cache
     */
    void truncate(int length);

    /** Whether the sequence, cut to its first {@code length} tokens, is as a new one whose prompt begins with them. */
    boolean isReusable(int length);

    /**
     * Returns a new sequence that has seen the first {@code length} tokens of this one.
     *
     * @throws IllegalArgumentException                    if they cannot be reused, or clusters are not decided from
     *                                                     them yet
     * @throws io.github.chaijlama.kv.KvCacheFullException if there is no room for a copy of their keys and values
     */
    ModelSequence copy(int length);

    /** Says that the tokens seen are the prompt, see {@link io.github.chaijlama.profile.Membership.Prompt}. */
    void endPrompt();

    /** Returns the tokens seen. */
    int length();

    /** Returns the clusters a layer uses now. */
    HeadClusters clusters(int layer);

    /** Returns the bytes of keys and values stored, -1 if that is not known (Jlama's own cache). */
    long kvCacheBytes();

    /** Returns the bytes of memory held for keys and values, -1 if that is not known. */
    long kvCacheAllocatedBytes();

    /** Gives all memory back. */
    @Override
    void close();
}
