// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

/**
 * Separates what a model thinks from what it answers, as it writes: thinking is no part of an answer. One instance per
 * answer, not thread-safe.
 */
interface AnswerText {

    /** Text that has become certain. */
    record Parts(String thinking, String answer) {}

    /** What {@link #next} is told for text that no token of its own brings. */
    int NO_TOKEN = -1;

    /**
     * Takes the next token.
     *
     * @param token the token, or {@link #NO_TOKEN}
     * @param piece the text that it completes, possibly none
     */
    Parts next(int token, String piece);

    /** Says that nothing more comes. */
    Parts finish();

    /** Whether the model thinks at the moment. */
    boolean isThinking();

    /** Whether it can still begin to think. */
    boolean mayThink();
}
