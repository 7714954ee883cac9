// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingHandle;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.langchain4j.ChaiChatResponseMetadata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What happens to a turn when answers end, fail and are left, in every order. */
@Timeout(60)
class ReplyStreamTests {
    private static final UserMessage QUESTION = UserMessage.from("Who?");
    private static final AiMessage ANSWER = AiMessage.from("Ruby.");
    private static final UserMessage NEXT = UserMessage.from("Where?");

    private final TestDatabase database = new TestDatabase();
    private final Conversations conversations = new Conversations(100, new WordCounter(), database.store(),
            TestDatabase.settings(10, Duration.ZERO));
    private final Browser browser = new Browser();
    private final Handle handle = new Handle();
    private final ReplyStream stream;

    ReplyStreamTests() throws InterruptedException {
        stream = new ReplyStream(
                response -> ChatReply.of("a", response, new ExactCacheSize(OptionalLong.empty())), begin(QUESTION),
                browser);
    }

    private Conversations.Turn begin(UserMessage question) throws InterruptedException {
        return conversations.begin(new ConversationKey("owner", "a"), question, ChatSettings.NONE);
    }

    /** The other end of a stream. */
    private static final class Browser extends SseEmitter {
        private final List<String> events = new CopyOnWriteArrayList<>();
        private Runnable completion;
        private volatile Sending sending = event -> {};
        private volatile boolean completed;
        private volatile Throwable failure;

        interface Sending {
            void send(String event) throws IOException;
        }

        @Override
        public void send(SseEventBuilder builder) throws IOException {
            String event = builder.build().iterator().next().getData().toString().lines().findFirst().orElseThrow();
            sending.send(event);
            events.add(event);
        }

        @Override
        public void onCompletion(Runnable callback) {
            completion = callback;
        }

        void leave() {
            completion.run();
        }

        @Override
        public void complete() {
            completed = true;
            leave();
        }

        @Override
        public void completeWithError(Throwable error) {
            failure = error;
            leave();
        }
    }

    private static final class Handle implements StreamingHandle {
        private volatile boolean cancelled;

        @Override
        public void cancel() {
            cancelled = true;
        }

        @Override
        public boolean isCancelled() {
            return cancelled;
        }
    }

    private void token() {
        stream.onPartialResponse(new PartialResponse("Ru"), new PartialResponseContext(handle));
    }

    private void complete() {
        stream.onCompleteResponse(ChatResponse.builder().aiMessage(ANSWER)
                .metadata(ChaiChatResponseMetadata.builder().id("1").modelName("m").tokenUsage(new TokenUsage(1, 2))
                        .finishReason(FinishReason.STOP).attention(AttentionMode.EXACT).timeToFirstToken(Duration.ZERO)
                        .duration(Duration.ZERO).kvCacheBytes(OptionalLong.of(4)).build())
                .build());
    }

    private List<ChatMessage> remembered() throws InterruptedException {
        try (Conversations.Turn turn = begin(NEXT)) {
            return turn.messages().subList(0, turn.messages().size() - 1);
        }
    }

    /** However a turn ended, it ended once: there is one permit again, not none and not two. */
    @AfterEach
    void theTurnEndedOnce() throws InterruptedException {
        try (Conversations.Turn _ = begin(NEXT)) {
            assertThatThrownBy(() -> begin(NEXT)).isInstanceOf(ConversationBusyException.class);
        }
        database.close();
    }

    @Test
    void anAnswerThatWasSentIsRemembered() throws InterruptedException {
        token();
        assertThatThrownBy(this::remembered).as("the turn runs").isInstanceOf(ConversationBusyException.class);
        complete();
        assertThat(browser.events).containsExactly("event:token", "event:done");
        assertThat(browser.completed).isTrue();
        assertThat(remembered()).containsExactly(QUESTION, ANSWER);
    }

    @Test
    void aBrowserThatLeavesCancelsTheAnswer() throws InterruptedException {
        token();
        assertThat(handle.cancelled).isFalse();
        browser.leave();
        assertThat(handle.cancelled).isTrue();
        complete();
        assertThat(browser.events).containsExactly("event:token");
        assertThat(remembered()).isEmpty();
    }

    @Test
    void aBrowserThatLeavesBeforeTheFirstTokenCancelsWithIt() throws InterruptedException {
        browser.leave();
        assertThat(remembered()).isEmpty();
        token();
        assertThat(handle.cancelled).isTrue();
        assertThat(browser.events).isEmpty();
    }

    /** The browser leaves on one thread while the end of the answer is being sent on another. */
    @Test
    void whenTheBrowserLeavesWhileTheEndIsSentTheTurnIsForgotten() throws Exception {
        CountDownLatch sending = new CountDownLatch(1);
        CountDownLatch left = new CountDownLatch(1);
        browser.sending = event -> {
            sending.countDown();
            await(left);
        };
        CompletableFuture<Void> completing = CompletableFuture.runAsync(this::complete);
        await(sending);
        browser.leave();
        assertThat(remembered()).as("the next turn goes on at once").isEmpty();
        try (Conversations.Turn next = begin(NEXT)) {
            left.countDown();
            completing.get(30, TimeUnit.SECONDS);
            assertThatThrownBy(() -> begin(NEXT)).as("the late end does not end the next turn")
                    .isInstanceOf(ConversationBusyException.class);
            next.remember(ANSWER);
        }
        assertThat(remembered()).as("only the next turn").containsExactly(NEXT, ANSWER);
    }

    /** The end is being sent on one thread, and the browser leaves after it was remembered. */
    @Test
    void whenTheBrowserLeavesAfterTheEndTheTurnIsRemembered() throws Exception {
        CountDownLatch sent = new CountDownLatch(1);
        CompletableFuture<Void> leaving = CompletableFuture.runAsync(() -> {
            await(sent);
            browser.leave();
        });
        complete();
        sent.countDown();
        leaving.get(30, TimeUnit.SECONDS);
        assertThat(remembered()).containsExactly(QUESTION, ANSWER);
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aConnectionThatBreaksCancelsTheAnswer() throws InterruptedException {
        browser.sending = event -> {
            throw new IOException("broken pipe");
        };
        token();
        assertThat(handle.cancelled).isTrue();
        assertThat(browser.failure).as("the container ends it").isNull();
        assertThat(remembered()).isEmpty();
    }

    @Test
    void anEndThatCannotBeSentIsNotRemembered() throws InterruptedException {
        token();
        browser.sending = event -> {
            throw new IOException("broken pipe");
        };
        complete();
        assertThat(remembered()).isEmpty();
    }

    @Test
    void whatCannotBeSentEndsTheStreamWithTheError() throws InterruptedException {
        IllegalStateException mistake = new IllegalStateException("no converter");
        browser.sending = event -> {
            throw mistake;
        };
        token();
        assertThat(browser.failure).isSameAs(mistake);
        assertThat(handle.cancelled).isTrue();
        assertThat(remembered()).isEmpty();
    }

    @Test
    void anErrorWhileTheEndIsSentEndsTheTurn() throws InterruptedException {
        browser.sending = event -> {
            throw new StackOverflowError();
        };
        assertThatThrownBy(this::complete).isInstanceOf(StackOverflowError.class);
        assertThat(remembered()).isEmpty();
    }

    @Test
    void errorsOfTheModelAreSentAndNothingIsRemembered() throws InterruptedException {
        token();
        stream.onError(new IllegalStateException("cache full"));
        assertThat(browser.events).containsExactly("event:token", "event:error");
        assertThat(browser.completed).isTrue();
        assertThat(handle.cancelled).as("it may go on after a mistake of ours").isTrue();
        assertThat(remembered()).isEmpty();
        complete();
        assertThat(remembered()).isEmpty();
    }
}
