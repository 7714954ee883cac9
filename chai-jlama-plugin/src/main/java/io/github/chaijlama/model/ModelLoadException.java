// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import org.jspecify.annotations.Nullable;

/** A model cannot be used. The message names the file, what was expected of it and what was found. */
public final class ModelLoadException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Creates an exception with a message for the user. */
    public ModelLoadException(String message) {
        super(message);
    }

    /** Creates an exception with a message for the user and what lies behind it. */
    public ModelLoadException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
