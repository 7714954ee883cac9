// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

/**
 * One sequence of tokens running through a model. A session belongs to one thread at a time; sessions of a model do not
 * affect each other. Close it to give its memory back.
 */
public interface TokenSession extends AutoCloseable {

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
     * @throws io.github.chaijlama.model.BrokenModelException if the model's numbers are not finite
     * @throws IllegalArgumentException                    if there is no token, or one is outside the vocabulary
     */
    float[] feed(int... tokens);

    /**
     * Runs the model over more tokens, as {@link #feed} does, and returns what it expects after each of them: all
     * logits come from few matrix products, which is far cheaper than to feed token by token.
     *
     * @param tokens at least one token; the result takes their number times the vocabulary in floats
     * @return logits of each token, {@code (tokens.length, vocabularySize)}; the caller's to keep
     * @throws ContextLengthException                      as {@link #feed}
     * @throws io.github.chaijlama.kv.KvCacheFullException as {@link #feed}
     * @throws io.github.chaijlama.model.BrokenModelException as {@link #feed}
     * @throws IllegalArgumentException                    as {@link #feed}
     */
    float[][] feedAll(int... tokens);

    /** Returns the tokens seen. */
    int length();

    @Override
    void close();
}
