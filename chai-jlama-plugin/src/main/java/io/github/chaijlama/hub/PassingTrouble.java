// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

import org.jspecify.annotations.Nullable;

/** Something went wrong that may go well the next time. The message is a sentence without its full stop. */
final class PassingTrouble extends IOException {
    private static final long serialVersionUID = 1L;

    private final @Nullable Duration serverWait;

    PassingTrouble(String message) {
        super(message);
        this.serverWait = null;
    }

    /**
     * Creates trouble that a server spoke of.
     *
     * @param serverWait how long it wants to be left alone, if it says so
     */
    PassingTrouble(String message, Optional<Duration> serverWait) {
        super(message);
        this.serverWait = serverWait.orElse(null);
    }

    PassingTrouble(String message, Throwable cause) {
        super(message, cause);
        this.serverWait = null;
    }

    /** Returns how long the server wants to be left alone, if it says so. */
    Optional<Duration> serverWait() {
        return Optional.ofNullable(serverWait);
    }
}
