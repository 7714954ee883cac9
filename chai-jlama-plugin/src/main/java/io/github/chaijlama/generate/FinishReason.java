// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

/** Why an answer ended. */
public enum FinishReason {
    /** The model said so, with an end token; or the answer is held to a schema, and nothing can come after it. */
    END_TOKEN,
    /** A stop sequence came; it is not part of the text. */
    STOP_SEQUENCE,
    /** The answer has as many tokens as were asked for. */
    MAX_TOKENS,
    /** The model's context is full. */
    CONTEXT_FULL,
    /** It was cancelled. */
    CANCELLED
}
