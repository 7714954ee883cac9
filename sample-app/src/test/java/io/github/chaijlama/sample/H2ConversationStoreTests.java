// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import javax.sql.DataSource;

import org.junit.jupiter.api.AfterEach;

class H2ConversationStoreTests extends ConversationStoreContract {
    private final ConversationDatabase database = ConversationDatabase.open(ConversationDatabase.MEMORY, "", "");

    @Override
    DataSource database() {
        return database.dataSource();
    }

    @AfterEach
    void close() {
        database.close();
    }
}
