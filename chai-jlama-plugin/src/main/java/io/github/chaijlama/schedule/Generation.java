// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.schedule;

import io.github.chaijlama.AttentionMode;

/**
 * What a request wants of a scheduler: its prompt, and the tokens that follow. All methods are called on the
 * scheduler's thread, so none may block; {@link #finished}, {@link #cancelled} or {@link #failed} is called once, as
 * the last.
 */
public interface Generation {

    /** Returns the tokens of the prompt, at least one; not changed by anybody. */
    int[] prompt();

    /** Returns the attention of the sequence. */
    AttentionMode attention();

    /** Whether whoever asked wants no more. */
    boolean isCancelled();

    /**
     * Whether the next token can be taken. Who becomes ready again calls {@link Scheduler#wake}; meanwhile the sequence
     * waits, and gives its place and memory to others that need them.
     */
    boolean isReady();

    /**
     * Takes what the model expects after all tokens so far.
     *
     * @param logits {@code (vocabularySize)}; this generation's own
     * @return the tokens that come next, to be calculated: the one that was chosen, and those behind it that are
     *         certain; none if the text has ended
     */
    int[] next(float[] logits);

    /**
     * Guesses what will come behind all tokens so far. The step that calculates these calculates the guess as well, and
     * {@link #next} is asked behind each token of it, as long as what it says is what was guessed; so a guess never
     * changes what comes, only how soon.
     *
     * @param most the most tokens that are taken, at least 1
     */
    default int[] guess(int most) {
        return new int[0];
    }

    /**
     * Called behind a step with a guess.
     *
     * @param guessed tokens of the guess
     * @param right   of these, the first ones that came
     */
    default void guessed(int guessed, int right) {
        // who guesses learns from it
    }

    /**
     * Called once, when the first step of the sequence is about to come.
     *
     * @param reusedTokens tokens of the prompt whose keys and values an earlier request had left
     */
    default void begun(int reusedTokens) {}

    /** Called when {@link #next} has ended the text; the sequence is closed. */
    void finished(SequenceUse use);

    /** Called when it was cancelled; the sequence is closed. */
    void cancelled(SequenceUse use);

    /** Called when it cannot go on; the sequence is closed. */
    void failed(Throwable error);
}
