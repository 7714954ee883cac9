// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import javax.sql.DataSource;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.memory.chat.MessageWindowChatMemory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import io.github.chaijlama.AttentionMode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What every database must do with conversations. */
abstract class ConversationStoreContract {
    private static final Duration EXPIRY = Duration.ofDays(30);
    private static final UserMessage QUESTION = UserMessage.from("Who helped Ruby?");
    private static final AiMessage ANSWER = AiMessage.from("Zoe the otter helped Ruby.");

    private final String owner = UUID.randomUUID().toString();
    private final ConversationKey key = new ConversationKey(owner, "a");
    private Instant now = Instant.parse("2026-11-23T10:00:00.123456Z");
    private ConversationStore store;

    /** Returns a database, with what other tests have left in it. */
    abstract DataSource database();

    @BeforeEach
    void create() {
        store = newStore();
        store.forgetOld(0);
    }

    private ConversationStore newStore() {
        return new ConversationStore(database(), EXPIRY, () -> now);
    }

    private void keep(String id, ChatMessage... messages) {
        store.updateMessages(new ConversationKey(owner, id), List.of(messages));
    }

    @Test
    void messagesAreThereAgainForTheNextProcess() {
        List<ChatMessage> messages = List.of(SystemMessage.from("Be kind."), UserMessage.from("é 🦊 '\"\\\n\u0000"),
                ANSWER);
        assertThat(store.getMessages(key)).isEmpty();
        store.updateMessages(key, messages);
        assertThat(newStore().getMessages(key)).isEqualTo(messages);
        store.deleteMessages(key);
        assertThat(newStore().getMessages(key)).isEmpty();
        assertThat(store.size()).isZero();
    }

    @Test
    void isAStoreOfLangChain4jsMemories() {
        MessageWindowChatMemory memory = MessageWindowChatMemory.builder().id(key).maxMessages(2)
                .chatMemoryStore(store).build();
        memory.add(QUESTION);
        memory.add(ANSWER);
        memory.add(UserMessage.from("Where?"));
        MessageWindowChatMemory again = MessageWindowChatMemory.builder().id(key).maxMessages(2)
                .chatMemoryStore(newStore()).build();
        assertThat(again.messages()).containsExactly(ANSWER, UserMessage.from("Where?"));
        again.clear();
        assertThat(memory.messages()).isEmpty();
    }

    @Test
    void onlyWhatHasChangedIsReplaced() {
        List<ChatMessage> messages = new ArrayList<>(List.of(QUESTION, ANSWER, QUESTION, ANSWER));
        store.updateMessages(key, messages);
        messages.set(1, AiMessage.from("Nobody."));
        store.updateMessages(key, messages.subList(0, 3));
        assertThat(store.getMessages(key)).isEqualTo(messages.subList(0, 3));
        store.updateMessages(key, messages);
        assertThat(store.getMessages(key)).isEqualTo(messages);
    }

    @Test
    void ownersSeeTheirOwn() {
        keep("a", QUESTION);
        ConversationKey others = new ConversationKey(UUID.randomUUID().toString(), "a");
        assertThat(store.getMessages(others)).isEmpty();
        assertThat(store.conversation(others)).isEmpty();
        assertThat(store.conversations(others.owner())).isEmpty();
        store.deleteMessages(others);
        assertThat(store.getMessages(key)).containsExactly(QUESTION);
    }

    @Test
    void conversationsAreListedWithTheirTitlesTheLastOneFirst() {
        keep("a", UserMessage.from("  Tell me\n a story  "));
        now = now.plusSeconds(1);
        keep("b", UserMessage.from("🦊".repeat(100)));
        assertThat(store.conversations(owner)).containsExactly(
                new ConversationStore.Summary("b", "🦊".repeat(79) + "…", now),
                new ConversationStore.Summary("a", "Tell me a story", now.minusSeconds(1)));
        now = now.plusSeconds(1);
        keep("a", UserMessage.from("  Tell me\n a story  "), ANSWER);
        assertThat(store.conversations(owner)).extracting(ConversationStore.Summary::id).containsExactly("a", "b");
    }

    @Test
    void settingsStayUntilOthersAreGiven() {
        ChatSettings settings = new ChatSettings(AttentionMode.EXACT, 0.7, 0.9, 20, 5L);
        store.update(key, settings, List.of(QUESTION));
        store.updateMessages(key, List.of(QUESTION, ANSWER));
        assertThat(newStore().conversation(key)).hasValueSatisfying(stored -> {
            assertThat(stored.settings()).isEqualTo(settings);
            assertThat(stored.title()).isEqualTo("Who helped Ruby?");
            assertThat(stored.messages()).containsExactly(QUESTION, ANSWER);
        });
        store.update(key, ChatSettings.NONE, List.of(QUESTION, ANSWER));
        assertThat(store.conversation(key).orElseThrow().settings()).isEqualTo(ChatSettings.NONE);
    }

    @Test
    void whatNobodyGoesOnWithExpires() {
        keep("a", QUESTION, ANSWER);
        now = now.plus(EXPIRY);
        assertThat(store.getMessages(key)).as("on its last day").hasSize(2);
        now = now.plusMillis(1);
        assertThat(store.getMessages(key)).isEmpty();
        assertThat(store.conversation(key)).isEmpty();
        assertThat(store.conversations(owner)).isEmpty();
        assertThat(store.size()).as("only hidden").isEqualTo(1);
        keep("a", QUESTION);
        assertThat(store.getMessages(key)).as("begun anew").containsExactly(QUESTION);
        now = now.plus(EXPIRY).plusMillis(1);
        store.forgetOld(100);
        assertThat(store.size()).isZero();
    }

    @Test
    void thoseThatChangedLongestAgoAreForgotten() {
        for (String id : List.of("a", "b", "c")) {
            now = now.plusSeconds(1);
            keep(id, QUESTION);
        }
        store.forgetOld(3);
        assertThat(store.size()).isEqualTo(3);
        store.forgetOld(1);
        assertThat(store.conversations(owner)).extracting(ConversationStore.Summary::id).containsExactly("c");
    }

    @Test
    void aMessageThatIsTooLongChangesNothing() {
        keep("a", QUESTION);
        UserMessage endless = UserMessage.from("x".repeat(1_000_000));
        assertThatThrownBy(() -> store.updateMessages(key, List.of(QUESTION, endless)))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("may have 1000000 characters");
        assertThat(store.getMessages(key)).containsExactly(QUESTION);
    }

    @Test
    void conversationsAreBegunAtTheSameTime() throws Exception {
        List<CompletableFuture<Void>> updates = IntStream.range(0, 8)
                .mapToObj(i -> CompletableFuture.runAsync(
                        () -> newStore().updateMessages(i % 2 == 0 ? key : new ConversationKey(owner, "b"),
                                List.of(QUESTION, AiMessage.from("Answer " + i)))))
                .toList();
        for (CompletableFuture<Void> update : updates) {
            update.get(30, TimeUnit.SECONDS);
        }
        assertThat(store.size()).isEqualTo(2);
        assertThat(store.getMessages(key)).hasSize(2).first().isEqualTo(QUESTION);
    }
}
