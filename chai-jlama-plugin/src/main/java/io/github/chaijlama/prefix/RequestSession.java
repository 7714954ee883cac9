// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.prefix;

import java.util.OptionalLong;

import io.github.chaijlama.AttentionMode;

/** The session of one request. Belongs to one thread at a time; closing it ends the request. */
public interface RequestSession extends AutoCloseable {

    /** Returns the tokens at the beginning of the prompt that need not be fed, because they are known already. */
    int reusedTokens();

    /**
     * Runs the model over the next tokens, see {@link io.github.chaijlama.TokenSession#feed}.
     *
     * @return logits of the last token, {@code (vocabularySize)}
     */
    float[] feed(int... next);

    /** Says that the tokens seen so far are the prompt, see {@link io.github.chaijlama.PromptSession#endPrompt}. */
    void endPrompt();

    /**
     * Returns how many tokens may be fed behind the next ones, in the same step, and be {@linkplain #takeBack taken
     * back} if they turn out to be wrong.
     *
     * @param sure tokens that are fed in any case, at least 1
     */
    default int roomForGuesses(int sure) {
        return 0;
    }

    /**
     * Forgets the last tokens, which {@link #roomForGuesses} has allowed.
     *
     * @param length tokens to keep
     */
    default void takeBack(int length) {
        throw new UnsupportedOperationException("this session takes nothing back");
    }

    /** Returns the tokens seen. */
    int length();

    /** Returns the attention of this session. */
    AttentionMode attention();

    /** Returns the bytes of the keys and values stored; empty for Jlama's own cache, which does not tell. */
    OptionalLong kvCacheBytes();

    @Override
    void close();
}
