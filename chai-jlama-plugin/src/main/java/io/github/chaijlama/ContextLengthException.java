// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

/** More tokens were fed than the model's context holds. The sequence is unchanged. */
public final class ContextLengthException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int tokens;
    private final int contextLength;

    /**
     * Creates an exception.
     *
     * @param tokens        tokens the sequence would have had
     * @param contextLength tokens the model's context holds
     */
    public ContextLengthException(int tokens, int contextLength) {
        super("the model's context holds " + contextLength + " tokens, this sequence would have " + tokens);
        this.tokens = tokens;
        this.contextLength = contextLength;
    }

    /** Returns the tokens the sequence would have had. */
    public int tokens() {
        return tokens;
    }

    /** Returns the tokens the model's context holds. */
    public int contextLength() {
        return contextLength;
    }
}
