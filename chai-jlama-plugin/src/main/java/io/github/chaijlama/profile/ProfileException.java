// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.profile;

/**
 * A cluster profile cannot be used: it is unreadable, inconsistent, or made for another model. The message says which.
 */
public final class ProfileException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Creates an exception with a message for the user. */
    public ProfileException(String message) {
        super(message);
    }

    /** Creates an exception with a message for the user and what lies behind it. */
    public ProfileException(String message, Throwable cause) {
        super(message, cause);
    }
}
