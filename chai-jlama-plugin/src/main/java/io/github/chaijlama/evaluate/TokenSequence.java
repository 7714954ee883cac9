// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

/** A sequence of tokens as evaluation sees it: what {@link io.github.chaijlama.ChaiSession} offers. */
interface TokenSequence extends AutoCloseable {

    /** Runs the model over more tokens and returns the logits of the last, {@code (vocabularySize)}. */
    float[] feed(int... tokens);

    /** Runs the model over more tokens and returns the logits of each, {@code (tokens.length, vocabularySize)}. */
    float[][] feedAll(int... tokens);

    /** Says that the tokens so far are the prompt; see {@link io.github.chaijlama.ChaiSession#endPrompt}. */
    void endPrompt();

    /** Forgets all tokens but the first {@code length}; see {@link io.github.chaijlama.ChaiSession#truncate}. */
    void truncate(int length);

    /** Returns the bytes of the keys and values stored. */
    long kvCacheBytes();

    @Override
    void close();
}
