// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.schedule;

/** A prompt is longer than the scheduler takes on. */
public final class PromptTooLongException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    PromptTooLongException(int tokens, int maxTokens) {
        super("the prompt has " + tokens + " tokens, at most " + maxTokens + " are taken on");
    }
}
