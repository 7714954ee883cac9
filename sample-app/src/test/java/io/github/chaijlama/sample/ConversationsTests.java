// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.UserMessage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.chaijlama.AttentionMode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@Timeout(60)
class ConversationsTests {
    private static final UserMessage QUESTION = UserMessage.from("Who?");
    private static final AiMessage ANSWER = AiMessage.from("Ruby.");
    private static final UserMessage NEXT = UserMessage.from("Where?");

    private final TestDatabase database = new TestDatabase();
    private final ConversationStore store = database.store();
    private final Conversations conversations = conversations(2, Duration.ZERO);

    private Conversations conversations(int remembered, Duration turnWait) {
        return new Conversations(100, new WordCounter(), store, TestDatabase.settings(remembered, turnWait));
    }

    @AfterEach
    void close() {
        assertThat(conversations.active()).as("nobody waits or is answered").isZero();
        database.close();
    }

    private static ConversationKey key(String id) {
        return new ConversationKey(Browser.NOBODY, id);
    }

    private static Conversations.Turn begin(Conversations conversations, String id, UserMessage question)
            throws InterruptedException {
        return conversations.begin(key(id), question, ChatSettings.NONE);
    }

    /** Returns what the next request of a conversation would be, and remembers nothing of it. */
    private List<ChatMessage> next(String id) throws InterruptedException {
        try (Conversations.Turn turn = begin(conversations, id, NEXT)) {
            return turn.messages();
        }
    }

    private void chat(String id) throws InterruptedException {
        try (Conversations.Turn turn = begin(conversations, id, QUESTION)) {
            assertThat(turn.remember(ANSWER)).isTrue();
        }
    }

    @Test
    void remembersWholeTurns() throws InterruptedException {
        chat("a");
        assertThat(next("a")).containsExactly(QUESTION, ANSWER, NEXT);
        assertThat(next("a")).as("nothing of the turn without an answer").containsExactly(QUESTION, ANSWER, NEXT);
        assertThat(next("b")).containsExactly(NEXT);
    }

    @Test
    void aTurnThatEndedIsNotRemembered() throws InterruptedException {
        Conversations.Turn turn = begin(conversations, "a", QUESTION);
        turn.close();
        assertThat(turn.remember(ANSWER)).isFalse();
        assertThat(next("a")).containsExactly(NEXT);
    }

    @Test
    void endingATurnTwiceLetsOnlyOneInto() throws InterruptedException {
        Conversations.Turn turn = begin(conversations, "a", QUESTION);
        turn.close();
        turn.close();
        turn.remember(ANSWER);
        try (Conversations.Turn _ = begin(conversations, "a", QUESTION)) {
            assertThatThrownBy(() -> begin(conversations, "a", NEXT)).isInstanceOf(ConversationBusyException.class);
        }
    }

    @Test
    void aConversationThatIsBusyForTooLongIsRefusedAndGoesOn() throws InterruptedException {
        try (Conversations.Turn turn = begin(conversations, "a", QUESTION)) {
            assertThatThrownBy(() -> begin(conversations, "a", NEXT)).isInstanceOf(ConversationBusyException.class)
                    .hasMessageContaining("another message of this conversation is being answered");
            assertThat(next("b")).as("others go on").containsExactly(NEXT);
            assertThat(turn.remember(ANSWER)).isTrue();
        }
        assertThat(next("a")).containsExactly(QUESTION, ANSWER, NEXT);
    }

    @Test
    void aMessageWaitsForTheOneBeforeIt() throws Exception {
        Conversations patient = conversations(2, Duration.ofSeconds(50));
        Conversations.Turn first = begin(patient, "a", QUESTION);
        CountDownLatch waiting = new CountDownLatch(1);
        CompletableFuture<List<ChatMessage>> second = new CompletableFuture<>();
        Thread.ofPlatform().start(() -> {
            waiting.countDown();
            try (Conversations.Turn turn = begin(patient, "a", NEXT)) {
                second.complete(turn.messages());
            } catch (InterruptedException e) {
                second.completeExceptionally(e);
            }
        });
        assertThat(waiting.await(30, TimeUnit.SECONDS)).isTrue();
        assertThat(second).isNotDone();
        first.remember(ANSWER);
        assertThat(second.get(30, TimeUnit.SECONDS)).containsExactly(QUESTION, ANSWER, NEXT);
    }

    @Test
    void aFailureWhileATurnBeginsBlocksNobody() throws InterruptedException {
        boolean[] fails = { true };
        Conversations failing = new Conversations(100, new WordCounter() {
            @Override
            public int estimateTokenCountInMessages(Iterable<ChatMessage> messages) {
                if (fails[0]) {
                    throw new StackOverflowError("tokenizer");
                }
                return super.estimateTokenCountInMessages(messages);
            }
        }, store, TestDatabase.settings(2, Duration.ZERO));
        assertThatThrownBy(() -> begin(failing, "a", QUESTION)).isInstanceOf(StackOverflowError.class);
        assertThat(failing.active()).as("no user is left").isZero();
        fails[0] = false;
        begin(failing, "a", QUESTION).close();
    }

    @Test
    void forgetsTheConversationThatChangedLongestAgo() throws InterruptedException {
        for (String id : List.of("a", "b", "a", "c")) {
            database.advance(Duration.ofSeconds(1));
            chat(id);
        }
        assertThat(store.size()).isEqualTo(2);
        assertThat(next("a")).hasSize(5);
        assertThat(next("b")).as("forgotten").containsExactly(NEXT);
    }

    @Test
    void aConversationInTheMiddleOfATurnIsNotForgotten() throws InterruptedException {
        chat("a");
        try (Conversations.Turn turn = begin(conversations, "a", QUESTION)) {
            for (String other : List.of("b", "c", "d")) {
                database.advance(Duration.ofSeconds(1));
                chat(other);
            }
            assertThatThrownBy(() -> begin(conversations, "a", NEXT)).as("still the same conversation")
                    .isInstanceOf(ConversationBusyException.class);
            database.advance(Duration.ofSeconds(1));
            turn.remember(ANSWER);
        }
        assertThat(next("a")).containsExactly(QUESTION, ANSWER, QUESTION, ANSWER, NEXT);
        assertThat(store.size()).isEqualTo(2);
    }

    @Test
    void aDeletedConversationIsNotBroughtBackByTheAnswerOnItsWay() throws InterruptedException {
        chat("a");
        try (Conversations.Turn turn = begin(conversations, "a", QUESTION)) {
            conversations.delete(key("a"));
            try (Conversations.Turn fresh = begin(conversations, "a", NEXT)) {
                assertThat(fresh.messages()).as("a new conversation of this name").containsExactly(NEXT);
                assertThat(turn.remember(ANSWER)).isTrue();
            }
        }
        assertThat(store.size()).isZero();
        assertThat(next("a")).containsExactly(NEXT);
    }

    @Test
    void theModelIsShownTheEndOfALongConversationAndAllOfItIsKept() throws InterruptedException {
        UserMessage long40 = UserMessage.from("word ".repeat(40).strip());
        for (int turn = 0; turn < 8; turn++) {
            try (Conversations.Turn begun = begin(conversations, "a", long40)) {
                assertThat(begun.messages().getFirst()).isEqualTo(long40);
                assertThat(begun.messages()).as("of 100 words").hasSize(turn == 0 ? 1 : 3);
                begun.remember(ANSWER);
            }
        }
        assertThat(store.getMessages(key("a"))).hasSize(16);
        assertThat(conversations.remembered(key("a"))).containsExactly(long40, ANSWER, long40, ANSWER);
    }

    @Test
    void settingsOfTheLastTurnAreKept() throws InterruptedException {
        ChatSettings settings = new ChatSettings(AttentionMode.EXACT, 0.5, null, 7, 3L);
        try (Conversations.Turn turn = conversations.begin(key("a"), QUESTION, settings)) {
            turn.remember(ANSWER);
        }
        assertThat(store.conversation(key("a")).orElseThrow().settings()).isEqualTo(settings);
    }
}
