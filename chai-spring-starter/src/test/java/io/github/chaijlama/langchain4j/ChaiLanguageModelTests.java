// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.model.StreamingResponseHandler;
import dev.langchain4j.model.input.PromptTemplate;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.Response;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Pocket;
import io.github.chaijlama.generate.Cancellation;
import io.github.chaijlama.generate.GenerationListener;
import io.github.chaijlama.generate.GenerationOptions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Continuations of texts, at once and as a stream. */
@Timeout(120)
class ChaiLanguageModelTests {
    private static final String TEXT = "Finn was a lucky owl. Finn lived near the";
    private static ChaiEngine engine;
    private static ChaiLanguageModel model;
    private static ChaiStreamingLanguageModel streaming;

    @BeforeAll
    static void load() {
        engine = Pocket.engine();
        model = ChaiLanguageModel.builder().engine(engine).maxOutputTokens(12).build();
        streaming = ChaiStreamingLanguageModel.builder().engine(engine).maxOutputTokens(12).build();
    }

    @AfterAll
    static void close() {
        engine.close();
    }

    /** Collects what a stream says. */
    private static class Collector implements StreamingResponseHandler<String> {
        final List<String> pieces = Collections.synchronizedList(new ArrayList<>());
        final List<Response<String>> responses = Collections.synchronizedList(new ArrayList<>());
        final List<Throwable> errors = Collections.synchronizedList(new ArrayList<>());
        final CountDownLatch ended = new CountDownLatch(1);
        volatile Thread thread;

        @Override
        public void onNext(String token) {
            thread = Thread.currentThread();
            pieces.add(token);
        }

        @Override
        public void onComplete(Response<String> response) {
            responses.add(response);
            ended.countDown();
        }

        @Override
        public void onError(Throwable error) {
            errors.add(error);
        }

        Collector await() throws InterruptedException {
            assertThat(ended.await(60, TimeUnit.SECONDS)).isTrue();
            return this;
        }
    }

    @Test
    void continuesTheTextWithoutATemplate() {
        Response<String> response = model.generate(TEXT);

        var expected = engine.textModel().complete(engine.textModel().tokenizer().encodePrompt(TEXT),
                GenerationOptions.DEFAULT.withMaxNewTokens(12), GenerationListener.NONE, new Cancellation());
        assertThat(response.content()).isEqualTo(expected.text()).startsWith(" ");
        assertThat(response.tokenUsage().inputTokenCount())
                .isEqualTo(new ChaiTokenCountEstimator(engine).estimateTokenCountInText(TEXT));
        assertThat(response.tokenUsage().outputTokenCount()).isEqualTo(12);
        assertThat(response.finishReason()).isEqualTo(FinishReason.LENGTH);
        assertThat(model.generate(PromptTemplate.from(TEXT).apply(Map.of())).content())
                .isEqualTo(response.content());
    }

    @Test
    void responseCarriesMetadata() {
        engine.textModel().closeIdleSequences();
        Response<String> first = model.generate(TEXT);
        Response<String> second = model.generate(TEXT);

        assertThat(first.metadata()).containsEntry("modelName", "pocket")
                .containsEntry("attention", AttentionMode.CLUSTERED).containsEntry("cachedPromptTokens", 0)
                .containsKeys("id", "kvCacheBytes");
        assertThat((Duration) first.metadata().get("timeToFirstToken")).isPositive()
                .isLessThan((Duration) first.metadata().get("duration"));
        assertThat(second.metadata().get("id")).isNotEqualTo(first.metadata().get("id"));
        assertThat(second.metadata()).containsEntry("cachedPromptTokens", first.tokenUsage().inputTokenCount() - 1);
        assertThat(second.content()).isEqualTo(first.content());
    }

    @Test
    void settingsAreHonoured() {
        String whole = model.generate(TEXT).content();
        String stop = whole.substring(4, 8);
        Response<String> stopped = ChaiLanguageModel.builder().engine(engine).stopSequences(List.of(stop)).build()
                .generate(TEXT);
        assertThat(stopped.content()).isEqualTo(whole.substring(0, whole.indexOf(stop)));
        assertThat(stopped.finishReason()).isEqualTo(FinishReason.STOP);

        ChaiLanguageModel random = ChaiLanguageModel.builder().engine(engine).temperature(1.5).topP(0.95).topK(200)
                .seed(4L).maxOutputTokens(30).build();
        assertThat(random.generate(TEXT).content()).isEqualTo(random.generate(TEXT).content());
        assertThat(ChaiLanguageModel.builder().engine(engine).temperature(1.5).seed(5L).maxOutputTokens(30).build()
                .generate(TEXT).content()).isNotEqualTo(random.generate(TEXT).content());
    }

    @Test
    void impossibleRequestsAndSettingsAreRefused() {
        assertThatThrownBy(() -> model.generate("word ".repeat(3000))).isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("the model's context holds 2048 tokens");
        assertThatThrownBy(() -> model.generate((String) null)).isInstanceOf(InvalidRequestException.class)
                .hasMessage("there is no prompt: expected a text, found null");
        assertThatThrownBy(() -> ChaiLanguageModel.builder().engine(engine).temperature(-1.0).build())
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void streamsWhatTheBlockingModelReturns() throws InterruptedException {
        Collector collector = new Collector();
        streaming.generate(TEXT, collector);
        collector.await();

        Response<String> expected = model.generate(TEXT);
        assertThat(String.join("", collector.pieces)).isEqualTo(expected.content());
        assertThat(collector.pieces).hasSizeGreaterThan(5).doesNotContain("");
        assertThat(collector.responses).hasSize(1);
        assertThat(collector.responses.getFirst().content()).isEqualTo(expected.content());
        assertThat(collector.responses.getFirst().tokenUsage()).isEqualTo(expected.tokenUsage());
        assertThat(collector.responses.getFirst().finishReason()).isEqualTo(FinishReason.LENGTH);
        assertThat(collector.responses.getFirst().metadata()).containsEntry("modelName", "pocket");
        assertThat(collector.errors).isEmpty();
        assertThat(collector.thread).isNotEqualTo(Thread.currentThread());
    }

    @Test
    void errorsOfARequestReachTheHandler() throws InterruptedException {
        Collector collector = new Collector() {
            @Override
            public void onError(Throwable error) {
                super.onError(error);
                ended.countDown();
            }
        };
        streaming.generate("word ".repeat(3000), collector);
        collector.await();
        assertThat(collector.errors).hasSize(1).first().isInstanceOf(InvalidRequestException.class);
        assertThat(collector.pieces).isEmpty();
        assertThat(collector.responses).isEmpty();
    }

    @Test
    void exceptionsOfTheHandlerAreToldAndTheTextGoesOn() throws InterruptedException {
        Collector collector = new Collector() {
            @Override
            public void onNext(String token) {
                super.onNext(token);
                throw new IllegalStateException("handler");
            }

            @Override
            public void onError(Throwable error) {
                super.onError(error);
                throw new IllegalStateException("onError");
            }
        };
        streaming.generate(TEXT, collector);
        collector.await();
        assertThat(collector.errors).hasSameSizeAs(collector.pieces).isNotEmpty();
        assertThat(String.join("", collector.pieces)).isEqualTo(collector.responses.getFirst().content());
    }

    @Test
    void aClosedEngineIsAnError() {
        ChaiEngine closed = ChaiEngine.load(Pocket.MODEL, "pocket", ChaiOptions.exact());
        closed.close();
        assertThatThrownBy(() -> ChaiLanguageModel.builder().engine(closed).build().generate(TEXT))
                .isInstanceOf(InternalServerException.class);
        Collector collector = new Collector();
        ChaiStreamingLanguageModel.builder().engine(closed).build().generate(TEXT, collector);
        assertThat(collector.errors).hasSize(1).first().isInstanceOf(InternalServerException.class);
    }
}
