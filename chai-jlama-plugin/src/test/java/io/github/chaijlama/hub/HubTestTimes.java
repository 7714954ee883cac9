// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.time.Duration;

/** Times for a hub in this JVM: waits that nobody notices, and all the time in the world for an answer. */
final class HubTestTimes {
    static final HubTimes QUICK = new HubTimes(Duration.ofSeconds(60), Duration.ofSeconds(60), 4,
            Duration.ofMillis(5), Duration.ofMillis(20), Duration.ofSeconds(5), Duration.ofMillis(50));
    /** For servers that do not answer. */
    static final HubTimes IMPATIENT = new HubTimes(Duration.ofSeconds(60), Duration.ofSeconds(2), 3,
            Duration.ofMillis(5), Duration.ofMillis(20), Duration.ofSeconds(5), Duration.ofSeconds(5));

    private HubTestTimes() {}
}
