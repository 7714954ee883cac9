// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

/** A report cannot be written. The message names the file. */
final class ReportException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ReportException(String message, Throwable cause) {
        super(message, cause);
    }
}
