// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

/**
 * Texts or tasks cannot be used: the file is missing, empty or broken. The message says what was expected and found.
 */
public final class EvaluationException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Creates an exception with a message for the user. */
    public EvaluationException(String message) {
        super(message);
    }

    /** Creates an exception with a message for the user and what lies behind it. */
    public EvaluationException(String message, Throwable cause) {
        super(message, cause);
    }
}
