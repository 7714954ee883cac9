// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.Objects;

/** A line cannot be used; the message says why. It never leaves the package: the line is reported and skipped. */
final class BadLineException extends Exception {
    private static final long serialVersionUID = 1L;

    BadLineException(String message) {
        super(message);
    }

    @Override
    public String getMessage() {
        return Objects.requireNonNull(super.getMessage());
    }
}
