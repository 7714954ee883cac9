// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import org.jspecify.annotations.Nullable;

/** There is no profile for the model and none can be made. */
final class StartupCalibrationException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String action;

    /**
     * Creates an exception.
     *
     * @param message what is wrong
     * @param action  what the user can do about it, a sentence
     */
    StartupCalibrationException(@Nullable String message, String action, @Nullable Throwable cause) {
        super(message, cause);
        this.action = action;
    }

    /** Returns what the user can do about it, a sentence. */
    String action() {
        return action;
    }
}
