// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.schedule;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/** Counts the steps of one thread, for others that ask at any time. */
final class StepCounts {
    private final AtomicLong steps = new AtomicLong();
    private final AtomicLong rows = new AtomicLong();
    private final AtomicLong nanos = new AtomicLong();
    /** When the step that is running began; of no meaning between steps. */
    private volatile long begun;
    private volatile boolean isRunning;

    /** Says that a step begins. */
    void begin() {
        begun = System.nanoTime();
        isRunning = true;
    }

    /** Says that it has calculated these tokens, and what follows from them is still to be done. */
    void count(int stepRows) {
        nanos.addAndGet(System.nanoTime() - begun);
        rows.addAndGet(stepRows);
        steps.incrementAndGet();
    }

    /** Says that nothing of it is left to do. */
    void end() {
        isRunning = false;
    }

    long steps() {
        return steps.get();
    }

    long rows() {
        return rows.get();
    }

    Duration time() {
        return Duration.ofNanos(nanos.get());
    }

    /** Returns how long the step that is running has taken so far, zero if none is. */
    Duration current() {
        long since = begun;
        return isRunning ? Duration.ofNanos(Math.max(0, System.nanoTime() - since)) : Duration.ZERO;
    }
}
