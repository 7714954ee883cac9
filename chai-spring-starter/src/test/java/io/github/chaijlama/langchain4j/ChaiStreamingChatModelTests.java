// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.listener.ChatModelErrorContext;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.listener.ChatModelRequestContext;
import dev.langchain4j.model.chat.listener.ChatModelResponseContext;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import dev.langchain4j.model.output.FinishReason;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.chaijlama.Pocket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@Timeout(120)
class ChaiStreamingChatModelTests {
    private static ChaiEngine engine;
    private static ChaiStreamingChatModel model;
    private static ChaiChatModel blocking;

    @BeforeAll
    static void load() {
        engine = Pocket.engine();
        model = ChaiStreamingChatModel.builder().engine(engine).build();
        blocking = ChaiChatModel.builder().engine(engine).build();
    }

    @AfterAll
    static void close() {
        engine.close();
    }

    /** Collects what a stream says. */
    private static class Collector implements StreamingChatResponseHandler {
        final List<String> pieces = Collections.synchronizedList(new ArrayList<>());
        final List<ChatResponse> responses = Collections.synchronizedList(new ArrayList<>());
        final List<Throwable> errors = Collections.synchronizedList(new ArrayList<>());
        final Set<Thread> threads = ConcurrentHashMap.newKeySet();
        final CountDownLatch ended = new CountDownLatch(1);
        volatile StreamingHandle handle;

        @Override
        public void onPartialResponse(PartialResponse partial, PartialResponseContext context) {
            threads.add(Thread.currentThread());
            handle = context.streamingHandle();
            pieces.add(partial.text());
        }

        @Override
        public void onCompleteResponse(ChatResponse response) {
            threads.add(Thread.currentThread());
            responses.add(response);
            ended.countDown();
        }

        @Override
        public void onError(Throwable error) {
            errors.add(error);
            ended.countDown();
        }

        Collector await() throws InterruptedException {
            assertThat(ended.await(60, TimeUnit.SECONDS)).isTrue();
            return this;
        }
    }

    private static ChatRequest request(String text, Consumer<ChatRequest.Builder> settings) {
        ChatRequest.Builder builder = ChatRequest.builder().messages(UserMessage.from(text));
        settings.accept(builder);
        return builder.build();
    }

    @Test
    void streamsTheAnswerOfTheBlockingModelOffTheCallersThread() throws InterruptedException {
        ChatResponse expected = blocking.chat(UserMessage.from("Tell me a story about a fox named Ruby."));
        Collector collector = new Collector();
        model.chat("Tell me a story about a fox named Ruby.", collector);
        collector.await();

        assertThat(String.join("", collector.pieces)).isEqualTo(expected.aiMessage().text());
        assertThat(collector.pieces).hasSizeGreaterThan(20).doesNotContain("");
        assertThat(collector.responses).hasSize(1);
        assertThat(collector.responses.getFirst().aiMessage()).isEqualTo(expected.aiMessage());
        assertThat(collector.responses.getFirst().tokenUsage()).isEqualTo(expected.tokenUsage());
        assertThat(collector.responses.getFirst().finishReason()).isEqualTo(FinishReason.STOP);
        assertThat(collector.errors).isEmpty();
        assertThat(collector.threads).hasSize(1).doesNotContain(Thread.currentThread());
    }

    @Test
    void returnsBeforeTheAnswerBegins() throws InterruptedException {
        CountDownLatch release = new CountDownLatch(1);
        Collector collector = new Collector() {
            @Override
            public void onPartialResponse(PartialResponse partial, PartialResponseContext context) {
                try {
                    release.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                super.onPartialResponse(partial, context);
            }
        };
        model.chat("Hello!", collector);
        assertThat(collector.pieces).isEmpty();
        release.countDown();
        assertThat(collector.await().pieces).isNotEmpty();
    }

    @Test
    void cancellingEndsTheAnswerAndTheHandlerHearsNoMore() throws InterruptedException {
        Collector collector = new Collector() {
            @Override
            public void onPartialResponse(PartialResponse partial, PartialResponseContext context) {
                super.onPartialResponse(partial, context);
                assertThat(context.streamingHandle().isCancelled()).isFalse();
                if (pieces.size() == 5) {
                    context.streamingHandle().cancel();
                    ended.countDown();
                }
            }
        };
        model.chat("Tell me a story about a fox named Ruby.", collector);
        collector.await();
        engine.textModel().closeIdleSequences();
        for (int i = 0; i < 100 && engine.textModel().model().kvCacheAllocatedBytes() > 0; i++) {
            Thread.sleep(20);
            engine.textModel().closeIdleSequences();
        }
        assertThat(engine.textModel().model().kvCacheAllocatedBytes()).as("the sequence has ended").isZero();
        assertThat(collector.pieces).hasSize(5);
        assertThat(collector.responses).isEmpty();
        assertThat(collector.errors).isEmpty();
        assertThat(collector.handle.isCancelled()).isTrue();
        collector.handle.cancel();
    }

    @Test
    void stopSequencesNeverReachTheHandler() throws InterruptedException {
        Collector collector = new Collector();
        model.chat(request(Pocket.QUESTION, builder -> builder.stopSequences(List.of(" to the"))), collector);
        assertThat(String.join("", collector.await().pieces)).isEqualTo("Finn went");
    }

    @Test
    void errorsReachTheHandler() throws InterruptedException {
        Collector invalid = new Collector();
        model.chat(request("Hello!", builder -> builder.temperature(-1.0)), invalid);
        assertThat(invalid.await().errors).singleElement().isInstanceOf(InvalidRequestException.class);

        assertThatThrownBy(() -> model.chat(request("Hello!", builder -> builder.modelName("x")), new Collector()))
                .isInstanceOf(UnsupportedFeatureException.class);

        Collector tooLong = new Collector();
        model.chat("a story about a fox ".repeat(600), tooLong);
        assertThat(tooLong.await().errors).singleElement().isInstanceOf(InvalidRequestException.class);
        assertThat(tooLong.responses).isEmpty();
    }

    @Test
    void exceptionsOfTheHandlerGoToItsOnErrorAndTheAnswerGoesOn() throws InterruptedException {
        RuntimeException mistake = new IllegalStateException("mistake");
        Collector collector = new Collector() {
            @Override
            public void onPartialResponse(PartialResponse partial, PartialResponseContext context) {
                pieces.add(partial.text());
                throw mistake;
            }

            @Override
            public void onError(Throwable error) {
                errors.add(error);
                throw new IllegalStateException("and another");
            }
        };
        model.chat("Hello!", collector);
        collector.await();
        assertThat(collector.responses).hasSize(1);
        assertThat(collector.errors).hasSize(collector.pieces.size()).allMatch(error -> error == mistake);
    }

    @Test
    void listenersHearOnce() throws InterruptedException {
        List<String> events = Collections.synchronizedList(new ArrayList<>());
        ChatModelListener listener = new ChatModelListener() {
            @Override
            public void onRequest(ChatModelRequestContext context) {
                events.add("request");
            }

            @Override
            public void onResponse(ChatModelResponseContext context) {
                events.add("response");
            }

            @Override
            public void onError(ChatModelErrorContext context) {
                events.add("error");
            }
        };
        ChaiStreamingChatModel heard = ChaiStreamingChatModel.builder().engine(engine).listeners(List.of(listener))
                .build();
        Collector collector = new Collector();
        heard.chat("Hello!", collector);
        collector.await();
        assertThat(events).containsExactly("request", "response");
    }

    @Test
    void manyStreamsAtOnceGetTheirOwnAnswers() throws InterruptedException {
        List<String> questions = List.of("Tell me a story about a fox named Ruby.", Pocket.QUESTION, "Hello!",
                "What is the opposite of big?");
        List<String> expected = questions.stream().map(blocking::chat).toList();
        List<Collector> collectors = new ArrayList<>();
        for (int i = 0; i < 24; i++) {
            Collector collector = new Collector();
            collectors.add(collector);
            model.chat(questions.get(i % questions.size()), collector);
        }
        for (int i = 0; i < 24; i++) {
            assertThat(String.join("", collectors.get(i).await().pieces))
                    .isEqualTo(expected.get(i % questions.size()));
        }
    }

    @Test
    void closingTheEngineEndsRunningAnswersWithAnError() throws InterruptedException {
        ChaiEngine other = Pocket.engine();
        ChaiStreamingChatModel streaming = ChaiStreamingChatModel.builder().engine(other).build();
        Collector collector = new Collector() {
            @Override
            public void onPartialResponse(PartialResponse partial, PartialResponseContext context) {
                super.onPartialResponse(partial, context);
                if (pieces.size() == 3) {
                    other.close();
                }
            }
        };
        streaming.chat("Tell me a story about a fox named Ruby.", collector);
        collector.await();
        assertThat(collector.errors).singleElement().isInstanceOf(InternalServerException.class)
                .extracting(Throwable::getMessage).isEqualTo("the model is closed");
        Collector late = new Collector();
        streaming.chat("Hello!", late);
        assertThat(late.await().errors).singleElement().isInstanceOf(InternalServerException.class)
                .extracting(Throwable::getMessage).isEqualTo("the model is closed");
    }
}
