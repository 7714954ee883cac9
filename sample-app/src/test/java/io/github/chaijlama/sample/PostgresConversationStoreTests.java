// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.io.IOException;
import javax.sql.DataSource;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

/** A PostgreSQL server of its own, where its binaries run. */
class PostgresConversationStoreTests extends ConversationStoreContract {
    private static EmbeddedPostgres server;
    private static ConversationDatabase database;

    @BeforeAll
    static void start() {
        try {
            server = EmbeddedPostgres.builder().start();
        } catch (IOException | RuntimeException e) {
            abort("SKIPPED: no PostgreSQL runs here, so conversations in one are not tested: " + e);
        }
        database = ConversationDatabase.open(server.getJdbcUrl("postgres", "postgres"), "postgres", "");
    }

    @AfterAll
    static void stop() throws IOException {
        if (database != null) {
            database.close();
        }
        if (server != null) {
            server.close();
        }
    }

    @Override
    DataSource database() {
        return database.dataSource();
    }

    @Test
    void aDatabaseKeepsConversationsWithoutNotice() {
        assertThat(database.notice()).isEmpty();
    }
}
