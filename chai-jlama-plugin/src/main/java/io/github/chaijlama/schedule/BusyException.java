// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.schedule;

/** A request was refused at once, because as many as are allowed are answered and wait already. */
public final class BusyException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    BusyException(SchedulerLimits limits) {
        super("too many requests: " + limits.maxConcurrent() + " are answered at once and " + limits.maxWaiting()
                + " wait already; try again later");
    }
}
