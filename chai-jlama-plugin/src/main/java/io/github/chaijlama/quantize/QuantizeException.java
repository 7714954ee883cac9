// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.quantize;

/** Quantized files cannot be written. The message names the place and says why; nothing was left there. */
public final class QuantizeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Creates an exception with a message for the user. */
    public QuantizeException(String message) {
        super(message);
    }

    /** Creates an exception with a message for the user and what lies behind it. */
    public QuantizeException(String message, Throwable cause) {
        super(message, cause);
    }
}
