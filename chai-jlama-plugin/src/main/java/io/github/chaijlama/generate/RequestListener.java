// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.time.Duration;

/**
 * Hears of all requests of a {@link TextModel}, for those who watch it. Called on the threads that calculate or that
 * asked, several at once, so a listener must be thread-safe and return at once; what it throws is logged.
 */
public interface RequestListener {

    /** Called when an answer has its first token, if it gets one; on the scheduler's thread, where there is one. */
    default void onFirstToken(Duration sinceStart) {}

    /** Called when a request has been answered, or was cancelled. */
    default void onAnswer(AnsweredRequest request) {}

    /**
     * Called when a request ended with an error, or was refused: with a {@link StoppingException} and no time, if the
     * model takes on nothing new.
     */
    default void onFailure(Throwable error, Duration sinceStart) {}
}
