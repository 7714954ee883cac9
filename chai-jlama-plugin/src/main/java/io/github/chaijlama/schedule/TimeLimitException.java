// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.schedule;

import java.time.Duration;

/** A request took longer than it may, waiting included. */
public final class TimeLimitException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    TimeLimitException(Duration limit, boolean begun) {
        super("the request took longer than " + limit + (begun ? "" : ", and had not begun"));
    }
}
