// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

/**
 * Hears of an answer while it is generated, on the thread that asked for it. With a scheduler the answer may be ahead,
 * by a few hundred tokens at most; a listener that takes its time stops nobody else.
 */
@FunctionalInterface
public interface GenerationListener {

    /** Listens to nothing. */
    GenerationListener NONE = (token, text) -> {};

    /**
     * Called for every token of the answer, end tokens excepted. An exception ends the answer and reaches whoever asked
     * for it.
     *
     * @param token the token
     * @param text  the text that has become certain with it: none while a character is incomplete or a stop sequence
     *              may be coming, and then that of several tokens at once
     */
    void onToken(int token, String text);

    /**
     * Called for text that the model thinks before it answers, with {@link #onToken} of the token it has become certain
     * with; no part of the answer's text.
     *
     * @param text the text, not empty
     */
    default void onThinking(String text) {}

    /**
     * Called once before the answer ends, if text was held back that turned out to belong to it.
     *
     * @param text the text, not empty
     */
    default void onRemainingText(String text) {}
}
