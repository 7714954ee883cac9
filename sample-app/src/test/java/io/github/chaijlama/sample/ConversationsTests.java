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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@Timeout(60)
class ConversationsTests {
    private static final UserMessage QUESTION = UserMessage.from("Who?");
    private static final AiMessage ANSWER = AiMessage.from("Ruby.");
    private static final UserMessage NEXT = UserMessage.from("Where?");

    private static Conversations conversations(int remembered, Duration turnWait) {
        return new Conversations(100, new WordCounter(), new Conversations.Settings(remembered, turnWait));
    }

    private final Conversations conversations = conversations(2, Duration.ZERO);

    /** Returns what the next request of a conversation would be, and remembers nothing of it. */
    private List<ChatMessage> next(String id) throws InterruptedException {
        try (Conversations.Turn turn = conversations.begin(id, NEXT)) {
            return turn.messages();
        }
    }

    private void chat(String id) throws InterruptedException {
        try (Conversations.Turn turn = conversations.begin(id, QUESTION)) {
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
        Conversations.Turn turn = conversations.begin("a", QUESTION);
        turn.close();
        assertThat(turn.remember(ANSWER)).isFalse();
        assertThat(next("a")).containsExactly(NEXT);
    }

    @Test
    void endingATurnTwiceLetsOnlyOneInto() throws InterruptedException {
        Conversations.Turn turn = conversations.begin("a", QUESTION);
        turn.close();
        turn.close();
        turn.remember(ANSWER);
        try (Conversations.Turn _ = conversations.begin("a", QUESTION)) {
            assertThatThrownBy(() -> conversations.begin("a", NEXT)).isInstanceOf(ConversationBusyException.class);
        }
    }

    @Test
    void aConversationThatIsBusyForTooLongIsRefusedAndGoesOn() throws InterruptedException {
        try (Conversations.Turn turn = conversations.begin("a", QUESTION)) {
            assertThatThrownBy(() -> conversations.begin("a", NEXT)).isInstanceOf(ConversationBusyException.class)
                    .hasMessageContaining("another message of this conversation is being answered");
            assertThat(next("b")).as("others go on").containsExactly(NEXT);
            assertThat(turn.remember(ANSWER)).isTrue();
        }
        assertThat(next("a")).containsExactly(QUESTION, ANSWER, NEXT);
    }

    @Test
    void aMessageWaitsForTheOneBeforeIt() throws Exception {
        Conversations patient = conversations(2, Duration.ofSeconds(50));
        Conversations.Turn first = patient.begin("a", QUESTION);
        CountDownLatch waiting = new CountDownLatch(1);
        CompletableFuture<List<ChatMessage>> second = new CompletableFuture<>();
        Thread.ofPlatform().start(() -> {
            waiting.countDown();
            try (Conversations.Turn turn = patient.begin("a", NEXT)) {
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
        }, new Conversations.Settings(0, Duration.ZERO));
        assertThatThrownBy(() -> failing.begin("a", QUESTION)).isInstanceOf(StackOverflowError.class);
        assertThat(failing.size()).as("no user is left").isZero();
        fails[0] = false;
        failing.begin("a", QUESTION).close();
    }

    @Test
    void forgetsTheConversationUsedLongestAgo() throws InterruptedException {
        chat("a");
        chat("b");
        next("a");
        chat("c");
        assertThat(conversations.size()).isEqualTo(2);
        assertThat(next("a")).hasSize(3);
        assertThat(next("b")).as("forgotten").containsExactly(NEXT);
    }

    @Test
    void neverForgetsAConversationInTheMiddleOfATurn() throws InterruptedException {
        chat("a");
        try (Conversations.Turn turn = conversations.begin("a", QUESTION)) {
            for (String other : List.of("b", "c", "d")) {
                chat(other);
            }
            assertThat(conversations.size()).isEqualTo(2);
            assertThatThrownBy(() -> conversations.begin("a", NEXT)).as("still the same conversation")
                    .isInstanceOf(ConversationBusyException.class);
            turn.remember(ANSWER);
        }
        assertThat(next("a")).containsExactly(QUESTION, ANSWER, QUESTION, ANSWER, NEXT);
        List<Conversations.Turn> turns = List.of(conversations.begin("a", NEXT), conversations.begin("d", NEXT),
                conversations.begin("e", NEXT));
        assertThat(conversations.size()).as("all are in use").isEqualTo(3);
        turns.forEach(Conversations.Turn::close);
        assertThat(conversations.size()).isEqualTo(2);
    }
}
