// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** A database in memory, and a clock that stands still. */
final class TestDatabase implements AutoCloseable {
    private final ConversationDatabase database = ConversationDatabase.open(ConversationDatabase.MEMORY, "", "");
    private Instant now = Instant.now().truncatedTo(ChronoUnit.MILLIS);

    static Conversations.Settings settings(int remembered, Duration turnWait) {
        return new Conversations.Settings(ConversationDatabase.MEMORY, "", "", remembered, Duration.ofDays(30),
                turnWait);
    }

    ConversationStore store() {
        return new ConversationStore(database.dataSource(), Duration.ofDays(30), () -> now);
    }

    void advance(Duration time) {
        now = now.plus(time);
    }

    @Override
    public void close() {
        database.close();
    }
}
