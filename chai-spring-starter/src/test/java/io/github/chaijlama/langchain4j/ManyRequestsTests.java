// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.TimeoutException;
import dev.langchain4j.model.StreamingResponseHandler;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.output.Response;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Operators;
import io.github.chaijlama.Pocket;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.schedule.SchedulerLimits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What the models say when an engine is asked for more than it takes on, and that many at once are answered alike. */
@Timeout(120)
class ManyRequestsTests {
    private static ChaiEngine engine(SchedulerLimits limits) {
        return ChaiEngine.load(Pocket.MODEL, "pocket",
                ChaiOptions.exact().with(change -> change.operators(Operators.VECTOR)), limits, () -> {});
    }

    /** Hears how a stream ends. */
    private static final class End implements StreamingChatResponseHandler {
        final CompletableFuture<String> text = new CompletableFuture<>();

        @Override
        public void onPartialResponse(String partialResponse) {
            // the complete one has it all
        }

        @Override
        public void onCompleteResponse(ChatResponse response) {
            text.complete(response.aiMessage().text());
        }

        @Override
        public void onError(Throwable error) {
            text.completeExceptionally(error);
        }
    }

    @Test
    void oneTooManyIsToBeTriedAgainLater() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch held = new CountDownLatch(1);
        TextModel slow = TextModel.load(Pocket.MODEL, ChaiOptions.exact(), sampling -> logits -> {
            begun.countDown();
            try {
                assertThat(held.await(60, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return 300;
        }, Optional.of(SchedulerLimits.DEFAULT.withRequests(1, 0)));
        try (ChaiEngine engine = ChaiEngine.of(slow, "slow")) {
            ChaiStreamingChatModel streaming = ChaiStreamingChatModel.builder().engine(engine).maxOutputTokens(2)
                    .build();
            End first = new End();
            streaming.chat("Hello!", first);
            assertThat(begun.await(60, TimeUnit.SECONDS)).isTrue();

            ChaiChatModel chat = ChaiChatModel.builder().engine(engine).maxOutputTokens(2).build();
            assertThatThrownBy(() -> chat.chat("Hello!")).isInstanceOf(RateLimitException.class)
                    .hasMessage("too many requests: 1 are answered at once and 0 wait already; try again later");
            ChaiLanguageModel language = ChaiLanguageModel.builder().engine(engine).maxOutputTokens(2).build();
            assertThatThrownBy(() -> language.generate("Hello!")).isInstanceOf(RateLimitException.class);
            End second = new End();
            streaming.chat("Hello!", second);
            assertThatThrownBy(second.text::get).hasCauseInstanceOf(RateLimitException.class);

            held.countDown();
            assertThat(first.text.get(60, TimeUnit.SECONDS)).isNotNull();
            assertThat(chat.chat("Hello!")).isNotEmpty();
        }
    }

    @Test
    void aRequestThatTakesTooLongTimesOut() {
        try (ChaiEngine engine = engine(SchedulerLimits.DEFAULT.withTimeLimit(Duration.ofNanos(1)))) {
            assertThatThrownBy(() -> ChaiChatModel.builder().engine(engine).build().chat("Hello!"))
                    .isInstanceOf(TimeoutException.class).hasMessageStartingWith("the request took longer than");
        }
    }

    @Test
    void aPromptAboveTheLimitIsAnInvalidRequest() {
        try (ChaiEngine engine = engine(SchedulerLimits.DEFAULT.withMaxPromptTokens(5))) {
            assertThatThrownBy(() -> ChaiChatModel.builder().engine(engine).build().chat("Hello, how are you today?"))
                    .isInstanceOf(InvalidRequestException.class).hasMessageEndingWith("at most 5 are taken on");
        }
    }

    @Test
    void allModelsAnswerManyAtOnceAsOneAfterAnother() throws Exception {
        try (ChaiEngine engine = engine(SchedulerLimits.DEFAULT);
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            ChaiChatModel chat = ChaiChatModel.builder().engine(engine).maxOutputTokens(30).build();
            ChaiStreamingChatModel streaming = ChaiStreamingChatModel.builder().engine(engine).maxOutputTokens(30)
                    .build();
            ChaiLanguageModel language = ChaiLanguageModel.builder().engine(engine).maxOutputTokens(30).build();
            ChaiStreamingLanguageModel streamingLanguage = ChaiStreamingLanguageModel.builder().engine(engine)
                    .maxOutputTokens(30).build();
            String answer = chat.chat("Tell me a story.");
            String continuation = language.generate("Finn was a lucky").content();

            List<Future<String>> answers = new ArrayList<>();
            List<Future<String>> continuations = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                answers.add(threads.submit(() -> chat.chat("Tell me a story.")));
                continuations.add(threads.submit(() -> language.generate("Finn was a lucky").content()));
                End end = new End();
                streaming.chat("Tell me a story.", end);
                answers.add(end.text);
                CompletableFuture<String> streamed = new CompletableFuture<>();
                continuations.add(streamed);
                streamingLanguage.generate("Finn was a lucky", new StreamingResponseHandler<>() {
                    @Override
                    public void onNext(String token) {
                        // the complete one has it all
                    }

                    @Override
                    public void onComplete(Response<String> response) {
                        streamed.complete(response.content());
                    }

                    @Override
                    public void onError(Throwable error) {
                        streamed.completeExceptionally(error);
                    }
                });
            }
            for (Future<String> each : answers) {
                assertThat(each.get(60, TimeUnit.SECONDS)).isEqualTo(answer);
            }
            for (Future<String> each : continuations) {
                assertThat(each.get(60, TimeUnit.SECONDS)).isEqualTo(continuation);
            }
            assertThat(engine.textModel().scheduler().orElseThrow().waiting()).isZero();
        }
    }
}
