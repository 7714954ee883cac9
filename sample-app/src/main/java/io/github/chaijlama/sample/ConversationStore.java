// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;

import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.ChatMessageDeserializer;
import dev.langchain4j.data.message.ChatMessageSerializer;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.store.memory.chat.ChatMemoryStore;
import org.springframework.core.io.ClassPathResource;
import org.springframework.dao.DataAccessException;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.init.ResourceDatabasePopulator;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Conversations in a database, H2 or PostgreSQL: LangChain4j's store of chat memories, whose memory ids are
 * {@link ConversationKey}s, with what a list of conversations shows of each. A conversation that has not changed for so
 * long that it has expired is not there any more, whether its rows still are or not. Thread-safe.
 */
final class ConversationStore implements ChatMemoryStore {
    /** As the schema says. */
    private static final int MAX_CONTENT = 1_000_000;
    private static final int MAX_TITLE = 80;

    private final JdbcTemplate jdbc;
    private final TransactionTemplate transaction;
    private final Duration expireAfter;
    private final InstantSource clock;

    /**
     * A conversation as lists show it.
     *
     * @param title how its first question begins
     */
    record Summary(String id, String title, Instant changedAt) {}

    /** A conversation. */
    record Stored(String title, ChatSettings settings, List<ChatMessage> messages) {}

    /**
     * Creates the tables if they are not there.
     *
     * @param expireAfter how long a conversation is kept that nobody goes on with
     */
    ConversationStore(DataSource database, Duration expireAfter, InstantSource clock) {
        this.jdbc = new JdbcTemplate(database);
        this.transaction = new TransactionTemplate(new JdbcTransactionManager(database));
        this.expireAfter = expireAfter;
        this.clock = clock;
        ResourceDatabasePopulator schema = new ResourceDatabasePopulator(new ClassPathResource("conversations.sql"));
        try {
            schema.execute(database);
        } catch (DataAccessException e) {
            schema.execute(database); // PostgreSQL refuses one of two that create a table at the same time
        }
    }

    @Override
    public List<ChatMessage> getMessages(Object memoryId) {
        ConversationKey key = (ConversationKey) memoryId;
        return jdbc.query("""
                SELECT m.content FROM chai_message m
                JOIN chai_conversation c ON c.owner = m.owner AND c.id = m.conversation
                WHERE m.owner = ? AND m.conversation = ? AND c.changed_at >= ? ORDER BY m.ordinal""",
                (row, number) -> row.getString(1), key.owner(), key.id(), oldest()).stream()
                .map(ChatMessageDeserializer::messageFromJson).toList();
    }

    @Override
    public void updateMessages(Object memoryId, List<ChatMessage> messages) {
        ConversationKey key = (ConversationKey) memoryId;
        update(key, conversation(key).map(Stored::settings).orElse(ChatSettings.NONE), messages);
    }

    /**
     * Replaces a conversation, or begins it.
     *
     * @throws IllegalArgumentException if a message is too long to be kept; nothing has changed then
     */
    void update(ConversationKey key, ChatSettings settings, List<ChatMessage> messages) {
        List<String> contents = messages.stream().map(ConversationStore::content).toList();
        try {
            transaction.executeWithoutResult(status -> replace(key, title(messages), settings, contents));
        } catch (DuplicateKeyException e) {
            // Another process has begun the same conversation meanwhile; now it is there.
            transaction.executeWithoutResult(status -> replace(key, title(messages), settings, contents));
        }
    }

    private static String content(ChatMessage message) {
        String content = ChatMessageSerializer.messageToJson(message);
        if (content.length() > MAX_CONTENT) {
            throw new IllegalArgumentException("a message of a conversation that is kept may have " + MAX_CONTENT
                    + " characters, found " + content.length());
        }
        return content;
    }

    private static String title(List<ChatMessage> messages) {
        String question = messages.stream().filter(UserMessage.class::isInstance).findFirst()
                .map(message -> ((UserMessage) message).singleText()).orElse("");
        String line = question.replaceAll("[\\p{Cntrl}\\s]+", " ").strip();
        return line.codePointCount(0, line.length()) <= MAX_TITLE ? line
                : line.substring(0, line.offsetByCodePoints(0, MAX_TITLE - 1)).strip() + "…";
    }

    private void replace(ConversationKey key, String title, ChatSettings settings, List<String> contents) {
        jdbc.update("DELETE FROM chai_conversation WHERE owner = ? AND id = ? AND changed_at < ?", key.owner(),
                key.id(), oldest());
        OffsetDateTime now = clock.instant().atOffset(ZoneOffset.UTC);
        if (jdbc.update("UPDATE chai_conversation SET settings = ?, changed_at = ? WHERE owner = ? AND id = ?",
                settings.toJson(), now, key.owner(), key.id()) == 0) {
            jdbc.update("INSERT INTO chai_conversation (owner, id, title, settings, changed_at) VALUES (?, ?, ?, ?, ?)",
                    key.owner(), key.id(), title, settings.toJson(), now);
        }
        List<String> before = jdbc.query(
                "SELECT content FROM chai_message WHERE owner = ? AND conversation = ? ORDER BY ordinal",
                (row, number) -> row.getString(1), key.owner(), key.id());
        int same = 0;
        while (same < Math.min(before.size(), contents.size()) && before.get(same).equals(contents.get(same))) {
            same++;
        }
        jdbc.update("DELETE FROM chai_message WHERE owner = ? AND conversation = ? AND ordinal >= ?", key.owner(),
                key.id(), same);
        for (int ordinal = same; ordinal < contents.size(); ordinal++) {
            jdbc.update("INSERT INTO chai_message (owner, conversation, ordinal, content) VALUES (?, ?, ?, ?)",
                    key.owner(), key.id(), ordinal, contents.get(ordinal));
        }
    }

    @Override
    public void deleteMessages(Object memoryId) {
        ConversationKey key = (ConversationKey) memoryId;
        jdbc.update("DELETE FROM chai_conversation WHERE owner = ? AND id = ?", key.owner(), key.id());
    }

    /** Returns an owner's conversations, the one that changed last first. */
    List<Summary> conversations(String owner) {
        return jdbc.query("""
                SELECT id, title, changed_at FROM chai_conversation WHERE owner = ? AND changed_at >= ?
                ORDER BY changed_at DESC, id""",
                (row, number) -> new Summary(row.getString(1), row.getString(2),
                        row.getObject(3, OffsetDateTime.class).toInstant()),
                owner, oldest());
    }

    /** Returns a conversation, if there is one. */
    Optional<Stored> conversation(ConversationKey key) {
        return jdbc.query("""
                SELECT title, settings FROM chai_conversation WHERE owner = ? AND id = ? AND changed_at >= ?""",
                (row, number) -> new Stored(row.getString(1), ChatSettings.ofJson(row.getString(2)), List.of()),
                key.owner(), key.id(), oldest()).stream().findFirst()
                .map(found -> new Stored(found.title, found.settings, getMessages(key)));
    }

    /**
     * Forgets what has expired, and those that changed longest ago.
     *
     * @param remembered the most conversations that are left
     */
    void forgetOld(int remembered) {
        jdbc.update("DELETE FROM chai_conversation WHERE changed_at < ?", oldest());
        jdbc.update("""
                DELETE FROM chai_conversation WHERE changed_at <= (SELECT changed_at FROM chai_conversation
                ORDER BY changed_at DESC OFFSET ? ROWS FETCH FIRST 1 ROW ONLY)""", remembered);
    }

    /** Returns how many conversations there are. */
    int size() {
        Integer size = jdbc.queryForObject("SELECT COUNT(*) FROM chai_conversation", Integer.class);
        return size == null ? 0 : size;
    }

    private OffsetDateTime oldest() {
        return clock.instant().minus(expireAfter).atOffset(ZoneOffset.UTC);
    }
}
