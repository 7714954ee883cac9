// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.IOException;

/** A report cannot be written. The message names the file. */
final class ReportException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ReportException(IOException cause) {
        super(cause.getMessage(), cause);
    }
}
