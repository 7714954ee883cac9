// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.ArrayList;
import java.util.List;

/** Ends an answer early, from any thread. The answer so far is returned; a running step is finished first. */
public final class Cancellation {
    private volatile boolean cancelled;
    /** Who wants to hear of it. Guarded by itself. */
    private final List<Runnable> listeners = new ArrayList<>();

    /** Ends the answer. */
    public void cancel() {
        List<Runnable> told;
        synchronized (listeners) {
            cancelled = true;
            told = List.copyOf(listeners);
            listeners.clear();
        }
        told.forEach(Runnable::run);
    }

    /** Whether the answer was cancelled. */
    public boolean isCancelled() {
        return cancelled;
    }

    /** Calls somebody once, when the answer is cancelled; at once if it is already. */
    void whenCancelled(Runnable listener) {
        synchronized (listeners) {
            if (!cancelled) {
                listeners.add(listener);
                return;
            }
        }
        listener.run();
    }
}
