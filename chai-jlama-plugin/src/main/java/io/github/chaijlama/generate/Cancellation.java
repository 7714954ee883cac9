// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

/** Ends an answer early, from any thread. The answer so far is returned; a running step is finished first. */
public final class Cancellation {
    private volatile boolean cancelled;

    /** Ends the answer. */
    public void cancel() {
        cancelled = true;
    }

    /** Whether the answer was cancelled. */
    public boolean isCancelled() {
        return cancelled;
    }
}
