// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

/**
 * A model cannot be calibrated with these texts or settings, or not here. The message says what was expected and found.
 */
public final class CalibrationException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Creates an exception with a message for the user. */
    public CalibrationException(String message) {
        super(message);
    }

    /** Creates an exception with a message for the user and what lies behind it. */
    public CalibrationException(String message, Throwable cause) {
        super(message, cause);
    }
}
