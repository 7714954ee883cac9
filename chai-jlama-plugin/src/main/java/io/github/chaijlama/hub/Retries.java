// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.time.Duration;
import java.util.function.Consumer;

/** Decides whether something is tried again, and waits before it is. For one thread. */
final class Retries {
    /** An attempt that brought this much was worth it, whatever ended it. */
    private static final long WORTH_IT = 1 << 20;

    private final HubTimes times;
    private final String what;
    private final Consumer<String> progress;

    private int failures;
    private long brought;

    /**
     * Begins with all attempts left.
     *
     * @param what     what is tried, for messages: something "could not be downloaded"
     * @param progress is told before each wait
     */
    Retries(HubTimes times, String what, Consumer<String> progress) {
        this.times = times;
        this.what = what;
        this.progress = progress;
    }

    /** Counts bytes that an attempt has brought. */
    void brought(int bytes) {
        brought += bytes;
        if (brought >= WORTH_IT) {
            brought = 0;
            failures = 0;
        }
    }

    /**
     * Waits before the next attempt.
     *
     * @throws HubException if there have been enough, or the server wants a longer wait
     */
    void await(PassingTrouble trouble) throws InterruptedException {
        failures++;
        if (failures >= times.attempts()) {
            throw HubException.passing(what + " could not be downloaded"
                    + (failures == 1 ? "" : " in " + failures + " attempts") + ": " + trouble.getMessage(),
                    "Try again later: what has been downloaded is kept.", trouble);
        }
        Duration wait = trouble.serverWait().orElseGet(this::ownWait);
        if (wait.compareTo(times.longestServer()) > 0) {
            throw HubException.passing(what + " could not be downloaded: " + trouble.getMessage()
                    + ", and asks to wait for " + TransferText.time(wait.toSeconds()),
                    "Try again after that: what has "
                            + "been downloaded is kept. Requests with a token (HF_TOKEN) have higher limits.",
                    trouble);
        }
        progress.accept(what + ": " + trouble.getMessage() + "; trying again in "
                + TransferText.time(Math.ceilDiv(wait.toMillis(), 1000)));
        Thread.sleep(wait);
    }

    private Duration ownWait() {
        Duration wait = times.firstWait().multipliedBy(1L << Math.min(failures - 1, 10));
        return wait.compareTo(times.longestWait()) > 0 ? times.longestWait() : wait;
    }
}
