// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.time.Duration;

/**
 * How long to wait for what.
 *
 * @param connect       for a connection
 * @param answer        for the beginning of an answer, and for the next bytes of a file
 * @param attempts      how often in a row to try what brings nothing
 * @param firstWait     before the second attempt; each later wait is twice as long
 * @param longestWait   before any attempt, unless the server says when to come back
 * @param longestServer the longest wait that a server may ask for
 * @param report        between two lines on how far a download is
 */
record HubTimes(Duration connect, Duration answer, int attempts, Duration firstWait, Duration longestWait,
        Duration longestServer, Duration report) {
    /** For hubs far away. */
    static final HubTimes DEFAULT = new HubTimes(Duration.ofSeconds(10), Duration.ofSeconds(30), 6,
            Duration.ofSeconds(1), Duration.ofSeconds(16), Duration.ofMinutes(5), Duration.ofSeconds(5));

    /** Returns the same with other attempts. */
    HubTimes withAttempts(int number) {
        return new HubTimes(connect, answer, number, firstWait, longestWait, longestServer, report);
    }
}
