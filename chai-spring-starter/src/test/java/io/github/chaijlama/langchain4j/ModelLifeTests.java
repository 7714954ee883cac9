// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.model.StreamingResponseHandler;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.output.Response;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Pocket;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.profile.ClusterProfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Models on an engine that others share, models with an engine of their own, and what is left when they are closed. */
@Timeout(120)
class ModelLifeTests {
    private static final String CLOSED = "the model is closed";
    private static ChaiEngine engine;

    @BeforeAll
    static void load() {
        engine = Pocket.engine();
    }

    @AfterAll
    static void close() {
        engine.close();
    }

    /** Completes with what a handler is told last. */
    private static class Ending implements StreamingChatResponseHandler, StreamingResponseHandler<String> {
        final CompletableFuture<Object> end = new CompletableFuture<>();

        @Override
        public void onNext(String token) {}

        @Override
        public void onPartialResponse(String partialResponse) {}

        @Override
        public void onCompleteResponse(ChatResponse response) {
            end.complete(response);
        }

        @Override
        public void onComplete(Response<String> response) {
            end.complete(response);
        }

        @Override
        public void onError(Throwable error) {
            end.complete(error);
        }

        Object await() throws Exception {
            return end.get(60, TimeUnit.SECONDS);
        }
    }

    /** A model, and one request to it that returns its answer or throws. */
    private record Subject(AutoCloseable model, Supplier<Object> request) {
        static Subject streaming(AutoCloseable model, Consumer<Ending> request) {
            return new Subject(model, () -> {
                Ending ending = new Ending();
                request.accept(ending);
                Object end;
                try {
                    end = ending.await();
                } catch (Exception e) {
                    throw new AssertionError(e);
                }
                if (end instanceof RuntimeException e) {
                    throw e;
                }
                return end;
            });
        }

        @Override
        public String toString() {
            return model.getClass().getSimpleName();
        }
    }

    static List<Subject> models() {
        ChaiChatModel chat = ChaiChatModel.builder().engine(engine).maxOutputTokens(3).build();
        ChaiStreamingChatModel streamingChat = ChaiStreamingChatModel.builder().engine(engine).maxOutputTokens(3)
                .build();
        ChaiLanguageModel language = ChaiLanguageModel.builder().engine(engine).maxOutputTokens(3).build();
        ChaiStreamingLanguageModel streamingLanguage = ChaiStreamingLanguageModel.builder().engine(engine)
                .maxOutputTokens(3).build();
        return List.of(new Subject(chat, () -> chat.chat("Hello!")),
                Subject.streaming(streamingChat, handler -> streamingChat.chat("Hello!", handler)),
                new Subject(language, () -> language.generate("Once")),
                Subject.streaming(streamingLanguage, handler -> streamingLanguage.generate("Once", handler)));
    }

    @ParameterizedTest
    @MethodSource("models")
    void aClosedModelRefusesRequestsAndTheSharedEngineGoesOn(Subject subject) throws Exception {
        assertThat(subject.request().get()).isNotNull();
        subject.model().close();
        subject.model().close();
        assertThatThrownBy(() -> subject.request().get()).isInstanceOf(InternalServerException.class)
                .hasMessage(CLOSED);
        for (Subject other : models()) {
            assertThat(other.request().get()).isNotNull();
        }
    }

    @Test
    void aClosedEstimatorDoesNotCount() {
        ChaiTokenCountEstimator estimator = new ChaiTokenCountEstimator(engine);
        assertThat(estimator.estimateTokenCountInText("Once upon a time")).isPositive();
        estimator.close();
        assertThatThrownBy(() -> estimator.estimateTokenCountInText("Once")).isInstanceOf(IllegalStateException.class)
                .hasMessage(CLOSED);
        assertThatThrownBy(() -> estimator.estimateTokenCountInMessage(UserMessage.from("Once")))
                .isInstanceOf(IllegalStateException.class).hasMessage(CLOSED);
    }

    @Test
    void answersThatRunWhenAModelIsClosedComeToTheirEndOnASharedEngine() throws Exception {
        ChaiStreamingChatModel model = ChaiStreamingChatModel.builder().engine(engine).maxOutputTokens(20).build();
        assertThat(closedAtItsFirstText(model)).isInstanceOfSatisfying(ChatResponse.class,
                response -> assertThat(response.tokenUsage().outputTokenCount()).isEqualTo(20));
    }

    @Test
    void answersThatRunWhenAModelIsClosedEndWithTheEngineOfItsOwn() throws Exception {
        ChaiStreamingChatModel model = ChaiStreamingChatModel.builder().modelDirectory(Pocket.MODEL).build();
        assertThat(closedAtItsFirstText(model)).isInstanceOf(InternalServerException.class)
                .extracting(error -> ((Throwable) error).getMessage()).isEqualTo(CLOSED);
    }

    private static Object closedAtItsFirstText(ChaiStreamingChatModel model) throws Exception {
        Ending ending = new Ending() {
            @Override
            public void onPartialResponse(String partialResponse) {
                model.close();
            }
        };
        model.chat("Tell me a story about a fox named Ruby.", ending);
        return ending.await();
    }

    @Test
    void aModelWithADirectoryIsNamedLikeItAndAnswersAsOnAnEngine() {
        try (ChaiChatModel own = ChaiChatModel.builder().modelDirectory(Pocket.MODEL)
                .options(ChaiOptions.clustered(ClusterProfile.read(Pocket.PROFILE))).maxOutputTokens(12).build();
                ChaiLanguageModel language = ChaiLanguageModel.builder().modelDirectory(Pocket.MODEL)
                        .options(ChaiOptions.stock()).maxOutputTokens(3).build()) {
            ChaiChatModel shared = ChaiChatModel.builder().engine(engine).maxOutputTokens(12).build();
            assertThat(own.chat("Tell me a story.")).isEqualTo(shared.chat("Tell me a story."));
            assertThat(own.chat(UserMessage.from("Hello!")).metadata().modelName())
                    .isEqualTo(Pocket.MODEL.toAbsolutePath().normalize().getFileName().toString());
            assertThat(language.generate("Once").metadata().get("attention")).hasToString("STOCK");
        }
    }

    @Test
    void aModelNeedsAnEngineOrADirectory() {
        assertThatThrownBy(() -> ChaiChatModel.builder().build()).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("expected an engine or a model directory, found neither");
        assertThatThrownBy(
                () -> ChaiStreamingLanguageModel.builder().engine(engine).modelDirectory(Pocket.MODEL).build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("expected an engine or a model directory, found both");
        assertThatThrownBy(() -> ChaiLanguageModel.builder().modelDirectory(Path.of("nothing-here")).build())
                .isInstanceOf(ModelLoadException.class).hasMessageContaining("nothing-here");
    }

    @Test
    void whatWasLoadedForAModelThatCannotBeBuiltIsClosed() throws InterruptedException {
        assertThatThrownBy(() -> ChaiLanguageModel.builder().modelDirectory(Pocket.MODEL)
                .options(ChaiOptions.exact().with(change -> change.threads(7))).temperature(-1.0).build())
                .isInstanceOf(IllegalArgumentException.class);
        while (isSixthWorkerAlive()) { // no other engine here has as many; they end on their own time
            Thread.sleep(10);
        }
    }

    private static boolean isSixthWorkerAlive() {
        return Thread.getAllStackTraces().keySet().stream()
                .anyMatch(thread -> thread.getName().equals("chai-worker-6"));
    }
}
