// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.CustomMessage;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.ModelProvider;
import dev.langchain4j.model.chat.listener.ChatModelErrorContext;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.listener.ChatModelRequestContext;
import dev.langchain4j.model.chat.listener.ChatModelResponseContext;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.Pocket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ChaiChatModelTests {
    private static ChaiEngine engine;
    private static ChaiChatModel model;

    @BeforeAll
    static void load() {
        engine = Pocket.engine();
        model = ChaiChatModel.builder().engine(engine).build();
    }

    @AfterAll
    static void close() {
        engine.close();
    }

    private static ChatResponse ask(ChaiChatModel model, Consumer<DefaultChatRequestParameters.Builder<?>> parameters) {
        DefaultChatRequestParameters.Builder<?> builder = ChatRequestParameters.builder();
        parameters.accept(builder);
        return model.chat(ChatRequest.builder().messages(UserMessage.from(Pocket.QUESTION)).parameters(builder.build())
                .build());
    }

    @Test
    void answersFromTheStory() {
        assertThat(model.chat(Pocket.QUESTION)).contains("river");
    }

    @Test
    void responseCarriesMetadata() {
        ChatResponse response = ask(model, parameters -> {});

        assertThat(response.finishReason()).isEqualTo(FinishReason.STOP);
        assertThat(response.id()).isNotBlank().isNotEqualTo(ask(model, parameters -> {}).id());
        assertThat(response.modelName()).isEqualTo("pocket");
        int beginningAndStartOfAnswer = 2;
        assertThat(response.tokenUsage().inputTokenCount()).isEqualTo(beginningAndStartOfAnswer
                + new ChaiTokenCountEstimator(engine).estimateTokenCountInMessage(UserMessage.from(Pocket.QUESTION)));
        assertThat(response.tokenUsage().outputTokenCount()).isBetween(3, 20);
        assertThat(response.metadata()).isInstanceOfSatisfying(ChaiChatResponseMetadata.class, metadata -> {
            assertThat(metadata.attention()).isEqualTo(AttentionMode.CLUSTERED);
            assertThat(metadata.timeToFirstToken()).isPositive().isLessThan(metadata.duration());
            int tokens = response.tokenUsage().totalTokenCount() - 1; // the end token is never fed
            assertThat(metadata.kvCacheBytes()).hasValue(tokens * 88L * 32 * 4);
            assertThat(metadata.toBuilder().build()).isEqualTo(metadata).hasSameHashCodeAs(metadata);
            assertThat(metadata.toBuilder().id("other").build()).isNotEqualTo(metadata);
            assertThat(metadata.toString()).contains("CLUSTERED").contains("pocket");
        });
    }

    @Test
    void remembersTheConversationItIsGiven() {
        ChatResponse response = model.chat(UserMessage.from(Pocket.QUESTION), AiMessage.from("Finn went to the river."),
                UserMessage.from("What did Finn find?"));
        assertThat(response.aiMessage().text()).contains("whistle");
    }

    @Test
    void systemMessagesAndSeveralTextsReachTheModel() {
        int plain = model.chat(UserMessage.from("Hello!")).tokenUsage().inputTokenCount();
        assertThat(
                model.chat(SystemMessage.from("Be kind."), UserMessage.from("Hello!")).tokenUsage().inputTokenCount())
                .isGreaterThan(plain);
        ChatResponse parts = model.chat(UserMessage.from(TextContent.from("Hello!"), TextContent.from("Hello!")));
        ChatResponse joined = model.chat(UserMessage.from("Hello!\nHello!"));
        assertThat(parts.aiMessage()).isEqualTo(joined.aiMessage());
        assertThat(parts.tokenUsage()).isEqualTo(joined.tokenUsage());
    }

    // ---- parameters ----

    @Test
    void maxOutputTokensIsHonoured() {
        ChatResponse response = ask(model, parameters -> parameters.maxOutputTokens(2));
        assertThat(response.finishReason()).isEqualTo(FinishReason.LENGTH);
        assertThat(response.tokenUsage().outputTokenCount()).isEqualTo(2);
    }

    @Test
    void stopSequencesAreHonoured() {
        ChatResponse response = ask(model, parameters -> parameters.stopSequences(List.of(" to the")));
        assertThat(response.aiMessage().text()).isEqualTo("Finn went");
        assertThat(response.finishReason()).isEqualTo(FinishReason.STOP);
    }

    @Test
    void temperatureTopPAndTopKAreHonoured() {
        String greedy = model.chat("Tell me a story.");
        List<String> hot = Stream.generate(() -> model.chat(ChatRequest.builder()
                .messages(UserMessage.from("Tell me a story.")).temperature(1.5).maxOutputTokens(20).build())
                .aiMessage().text()).limit(4).toList();
        assertThat(hot.stream().distinct().count()).isGreaterThan(1);
        List<Consumer<DefaultChatRequestParameters.Builder<?>>> narrowings = List.of(
                parameters -> parameters.topK(1),
                parameters -> parameters.topP(1e-9));
        for (Consumer<DefaultChatRequestParameters.Builder<?>> narrow : narrowings) {
            DefaultChatRequestParameters.Builder<?> parameters = ChatRequestParameters.builder().temperature(1.5);
            narrow.accept(parameters);
            assertThat(model.chat(ChatRequest.builder().messages(UserMessage.from("Tell me a story."))
                    .parameters(parameters.build()).build()).aiMessage().text()).isEqualTo(greedy);
        }
    }

    @Test
    void defaultsAreMergedAndRequestsWin() {
        ChaiChatModel limited = ChaiChatModel.builder().engine(engine).maxOutputTokens(3)
                .defaultRequestParameters(ChatRequestParameters.builder().maxOutputTokens(9)
                        .stopSequences(List.of("xyz")).build())
                .build();
        assertThat(limited.defaultRequestParameters().maxOutputTokens()).isEqualTo(3);
        assertThat(limited.defaultRequestParameters().stopSequences()).containsExactly("xyz");
        assertThat(limited.defaultRequestParameters().modelName()).isEqualTo("pocket");
        assertThat(ask(limited, parameters -> {}).tokenUsage().outputTokenCount()).isEqualTo(3);
        assertThat(ask(limited, parameters -> parameters.maxOutputTokens(4)).tokenUsage().outputTokenCount())
                .isEqualTo(4);
    }

    @Test
    void aSeedMakesRandomAnswersRepeatable() {
        ChaiChatModel seeded = ChaiChatModel.builder().engine(engine).temperature(1.3).seed(5L).maxOutputTokens(30)
                .build();
        assertThat(seeded.chat("Tell me a story.")).isEqualTo(seeded.chat("Tell me a story."));
    }

    static Stream<Arguments> unsupported() {
        return Stream.of(
                Arguments.of("modelName 'other' (this is 'pocket')", ChatRequest.builder()
                        .messages(UserMessage.from("x")).modelName("other").build()),
                Arguments.of("content of type image", ChatRequest.builder()
                        .messages(UserMessage.from(ImageContent.from("https://chai.invalid/x.png"))).build()),
                Arguments.of("non-text content in tool results: content of type image", ChatRequest.builder()
                        .messages(UserMessage.from("x"), ToolExecutionResultMessage.builder().id("1").toolName("x")
                                .contents(ImageContent.from("https://chai.invalid/x.png")).build())
                        .build()),
                Arguments.of("messages of type CUSTOM",
                        ChatRequest.builder().messages(CustomMessage.from(Map.of("a", "b"))).build()),
                Arguments.of("stopSequences beside a JSON response format or tool choice REQUIRED",
                        ChatRequest.builder()
                                .messages(UserMessage.from("x")).responseFormat(ResponseFormat.JSON)
                                .stopSequences(List.of("}"))
                                .build()));
    }

    @ParameterizedTest
    @MethodSource("unsupported")
    void whatIsNotSupportedIsRefusedByName(String what, ChatRequest request) {
        assertThatThrownBy(() -> model.chat(request)).isInstanceOf(UnsupportedFeatureException.class)
                .hasMessage(what + " is not supported by this model");
    }

    @Test
    void whatMeansNothingIsAccepted() {
        ChatRequest request = ChatRequest.builder().messages(UserMessage.from("Hello!")).modelName("pocket")
                .frequencyPenalty(0.0).presencePenalty(0.0).toolChoice(ToolChoice.AUTO)
                .responseFormat(ResponseFormat.TEXT).maxOutputTokens(3).build();
        assertThat(model.chat(request).tokenUsage().outputTokenCount()).isEqualTo(3);
    }

    // ---- errors ----

    @Test
    void impossibleValuesAreInvalidRequests() {
        assertThatThrownBy(() -> ask(model, parameters -> parameters.temperature(-1.0)))
                .isInstanceOf(InvalidRequestException.class).hasMessage("temperature must be 0 or more, found -1.0");
        assertThatThrownBy(() -> ask(model, parameters -> parameters.topP(0.0)))
                .isInstanceOf(InvalidRequestException.class).hasMessageContaining("found 0.0");
        assertThatThrownBy(() -> ask(model, parameters -> parameters.maxOutputTokens(0)))
                .isInstanceOf(InvalidRequestException.class).hasMessageContaining("at least 1 token, found 0");
    }

    @Test
    void penaltiesAreHonoured() {
        String greedy = model.chat("Tell me a story.");
        assertThat(ask(model, "Tell me a story.", parameters -> parameters.frequencyPenalty(2.0))).isNotEqualTo(greedy);
        assertThat(ask(model, "Tell me a story.", parameters -> parameters.presencePenalty(2.0))).isNotEqualTo(greedy);
        assertThatThrownBy(() -> ask(model, parameters -> parameters.frequencyPenalty(2.5)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("frequency penalty must be from -2 to 2, found 2.5");
    }

    private static String ask(ChaiChatModel model, String question,
            Consumer<DefaultChatRequestParameters.Builder<?>> parameters) {
        DefaultChatRequestParameters.Builder<?> builder = ChatRequestParameters.builder();
        parameters.accept(builder);
        return model.chat(ChatRequest.builder().messages(UserMessage.from(question)).parameters(builder.build())
                .build()).aiMessage().text();
    }

    @Test
    void aPromptBeyondTheContextIsAnInvalidRequest() {
        assertThatThrownBy(() -> model.chat("a story about a fox ".repeat(600)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("the model's context holds 2048 tokens");
    }

    @Test
    void aFullCacheIsToBeTriedAgainLater() {
        long page = 128 * 32 * 4;
        try (ChaiEngine small = ChaiEngine.load(Pocket.MODEL, "small",
                ChaiOptions.exact().with(change -> change.kvCacheMaxBytes(100 * page)))) {
            ChaiChatModel model = ChaiChatModel.builder().engine(small).build();
            assertThatThrownBy(() -> model.chat("Hello! ".repeat(60))).as("more than the whole budget")
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageContaining("key/value cache is full: this sequence needs");
            try (ChaiSession other = small.textModel().model().newSession()) {
                other.feed(1, 2, 3);
                assertThatThrownBy(() -> model.chat("Hello!")).as("while another holds most of it")
                        .isInstanceOf(RateLimitException.class).hasMessageContaining("end other sequences");
            }
            assertThat(model.chat("Hello!")).isNotEmpty();
        }
    }

    // ---- listeners ----

    private static final class Recorder implements ChatModelListener {
        private final List<String> events = new ArrayList<>();

        @Override
        public void onRequest(ChatModelRequestContext context) {
            events.add("request " + context.chatRequest().parameters().modelName() + " "
                    + context.modelProvider());
            context.attributes().put("key", "value");
        }

        @Override
        public void onResponse(ChatModelResponseContext context) {
            events.add("response " + context.chatResponse().finishReason() + " " + context.attributes().get("key"));
        }

        @Override
        public void onError(ChatModelErrorContext context) {
            events.add("error " + context.error().getMessage());
        }
    }

    @Test
    void listenersHearOfRequestsResponsesAndErrors() {
        Recorder recorder = new Recorder();
        ChaiChatModel heard = ChaiChatModel.builder().engine(engine).listeners(List.of(recorder)).build();
        heard.chat("Hello!");
        assertThatThrownBy(() -> ask(heard, parameters -> parameters.temperature(-1.0)))
                .isInstanceOf(InvalidRequestException.class);
        assertThat(recorder.events).containsExactly("request pocket " + ModelProvider.OTHER, "response STOP value",
                "request pocket " + ModelProvider.OTHER, "error temperature must be 0 or more, found -1.0");
    }
}
