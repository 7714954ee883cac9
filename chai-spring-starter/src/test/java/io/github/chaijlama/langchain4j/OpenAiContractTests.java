// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

import dev.langchain4j.data.image.Image;
import dev.langchain4j.exception.ModelNotFoundException;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.common.AbstractChatModelIT;
import dev.langchain4j.model.chat.common.AbstractChatModelListenerIT;
import dev.langchain4j.model.chat.common.AbstractStreamingChatModelIT;
import dev.langchain4j.model.chat.common.AbstractStreamingChatModelListenerIT;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiChatRequestParameters;
import dev.langchain4j.model.openai.OpenAiChatResponseMetadata;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import dev.langchain4j.model.openai.OpenAiTokenUsage;
import dev.langchain4j.model.output.TokenUsage;
import dev.langchain4j.service.common.AbstractAiServiceIT;
import dev.langchain4j.service.common.AbstractAiServiceWithJsonSchemaIT;
import dev.langchain4j.service.common.AbstractAiServiceWithToolsIT;
import dev.langchain4j.service.common.AbstractStreamingAiServiceIT;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.mockito.InOrder;

import io.github.chaijlama.openai.OpenAiServer;
import io.github.chaijlama.openai.ServedModel;
import io.github.chaijlama.openai.ServedModels;

import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.argThat;
import static org.mockito.Mockito.atLeast;

/**
 * LangChain4j's contract, passed by its own client of OpenAI's API on the endpoint, which serves the engine that
 * follows a script under two names. Images are refused, as {@code InvalidRequestException}, which is what that client
 * makes of the status.
 */
class OpenAiContractTests {
    private static final String OTHER_NAME = "owner/pocket";

    private static OpenAiServer server;

    @BeforeAll
    static void start() {
        ChaiStreamingChatModel model = ContractEngine.Scripted.ENGINE.streaming().build();
        server = OpenAiServer.start(beans -> beans.registerBean(ServedModels.class,
                () -> () -> List.of(new ServedModel("pocket", model, Optional.empty()),
                        new ServedModel(OTHER_NAME, model, Optional.empty()))),
                "spring.autoconfigure.exclude=io.github.chaijlama.spring.ChaiAutoConfiguration");
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static OpenAiChatModel.OpenAiChatModelBuilder client() {
        return OpenAiChatModel.builder().baseUrl(server.url()).apiKey("none").modelName("pocket").maxRetries(0)
                .timeout(Duration.ofMinutes(5));
    }

    private static OpenAiStreamingChatModel.OpenAiStreamingChatModelBuilder streamingClient() {
        return OpenAiStreamingChatModel.builder().baseUrl(server.url()).apiKey("none").modelName("pocket")
                .timeout(Duration.ofMinutes(5));
    }

    @Nested
    class Chat extends AbstractChatModelIT {
        @Override
        protected List<ChatModel> models() {
            return List.of(client().build(), client().strictTools(true).strictJsonSchema(true)
                    .supportedCapabilities(Capability.RESPONSE_FORMAT_JSON_SCHEMA).build());
        }

        @Override
        protected ChatModel createModelWith(ChatRequestParameters parameters) {
            OpenAiChatModel.OpenAiChatModelBuilder builder = client().defaultRequestParameters(parameters);
            return parameters.modelName() == null ? builder.build() : builder.modelName((String) null).build();
        }

        @Override
        protected String customModelName() {
            return OTHER_NAME;
        }

        @Override
        protected boolean supportsSingleImageInputAsBase64EncodedString() {
            return false; // no images
        }

        @Override
        protected boolean supportsSingleImageInputAsPublicURL() {
            return false; // no images
        }

        @Override
        protected boolean assertExceptionType() {
            return false; // of what is refused for images
        }

        @Override
        protected Class<? extends ChatResponseMetadata> chatResponseMetadataType(ChatModel model) {
            return OpenAiChatResponseMetadata.class;
        }

        @Override
        protected Class<? extends TokenUsage> tokenUsageType(ChatModel model) {
            return OpenAiTokenUsage.class;
        }

        @Override
        protected ChatRequestParameters createIntegrationSpecificParameters(int maxOutputTokens) {
            return OpenAiChatRequestParameters.builder().maxOutputTokens(maxOutputTokens).build();
        }
    }

    @Nested
    class StreamingChat extends AbstractStreamingChatModelIT {
        @Override
        protected List<StreamingChatModel> models() {
            return List.of(streamingClient().build());
        }

        @Override
        protected StreamingChatModel createModelWith(ChatRequestParameters parameters) {
            OpenAiStreamingChatModel.OpenAiStreamingChatModelBuilder builder = streamingClient()
                    .defaultRequestParameters(parameters);
            return parameters.modelName() == null ? builder.build() : builder.modelName((String) null).build();
        }

        @Override
        public StreamingChatModel createModelWith(ChatModelListener listener) {
            return streamingClient().listeners(List.of(listener)).build();
        }

        @Override
        protected void verifyToolCallbacks(StreamingChatResponseHandler handler, InOrder io, String id) {
            io.verify(handler, atLeast(0)).onPartialResponse(any(), any());
            verifyCall(handler, io, 0, id);
        }

        @Override
        protected void verifyToolCallbacks(StreamingChatResponseHandler handler, InOrder io, String id1, String id2) {
            verifyCall(handler, io, 0, id1);
            verifyCall(handler, io, 1, id2);
        }

        private static void verifyCall(StreamingChatResponseHandler handler, InOrder io, int index, String id) {
            io.verify(handler, atLeast(1)).onPartialToolCall(argThat(call -> call.index() == index
                    && call.id().equals(id)), any());
            io.verify(handler).onCompleteToolCall(argThat(call -> call.index() == index
                    && call.toolExecutionRequest().id().equals(id)));
        }

        @Override
        protected String customModelName() {
            return OTHER_NAME;
        }

        @Override
        protected boolean supportsSingleImageInputAsBase64EncodedString() {
            return false; // no images
        }

        @Override
        protected boolean supportsSingleImageInputAsPublicURL() {
            return false; // no images
        }

        @Override
        protected boolean assertExceptionType() {
            return false; // of what is refused for images
        }

        @Override
        protected Class<? extends ChatResponseMetadata> chatResponseMetadataType(StreamingChatModel model) {
            return OpenAiChatResponseMetadata.class;
        }

        @Override
        protected Class<? extends TokenUsage> tokenUsageType(StreamingChatModel model) {
            return OpenAiTokenUsage.class;
        }

        @Override
        protected ChatRequestParameters createIntegrationSpecificParameters(int maxOutputTokens) {
            return OpenAiChatRequestParameters.builder().maxOutputTokens(maxOutputTokens).build();
        }
    }

    @Nested
    class ChatListener extends AbstractChatModelListenerIT {
        @Override
        protected ChatModel createModel(ChatModelListener listener) {
            return client().listeners(List.of(listener)).temperature(temperature()).topP(topP()).maxTokens(maxTokens())
                    .build();
        }

        @Override
        protected String modelName() {
            return "pocket";
        }

        @Override
        protected ChatModel createFailingModel(ChatModelListener listener) {
            return client().listeners(List.of(listener)).modelName("banana").build();
        }

        @Override
        protected Class<? extends Exception> expectedExceptionClass() {
            return ModelNotFoundException.class;
        }
    }

    @Nested
    class StreamingChatListener extends AbstractStreamingChatModelListenerIT {
        @Override
        protected StreamingChatModel createModel(ChatModelListener listener) {
            return streamingClient().listeners(List.of(listener)).temperature(temperature()).topP(topP())
                    .maxTokens(maxTokens()).build();
        }

        @Override
        protected String modelName() {
            return "pocket";
        }

        @Override
        protected StreamingChatModel createFailingModel(ChatModelListener listener) {
            return streamingClient().listeners(List.of(listener)).modelName("banana").build();
        }

        @Override
        protected Class<? extends Exception> expectedExceptionClass() {
            return ModelNotFoundException.class;
        }
    }

    @Nested
    class AiService extends AbstractAiServiceIT {
        @Override
        protected List<ChatModel> models() {
            return List.of(client().supportedCapabilities(Capability.RESPONSE_FORMAT_JSON_SCHEMA).build());
        }

        @Override
        protected Class<? extends TokenUsage> tokenUsageType(ChatModel model) {
            return OpenAiTokenUsage.class;
        }
    }

    @Nested
    class AiServiceWithTools extends AbstractAiServiceWithToolsIT {
        @Override
        protected List<ChatModel> models() {
            return List.of(client().build());
        }

        @Override
        protected boolean supportsMapParameters() {
            return true;
        }

        @Override
        protected boolean supportsRecursion() {
            return true;
        }

        @Override
        protected Image catImage() { // not from the network; it is refused before anybody looks at it
            return Image.builder().base64Data("AAAA").mimeType("image/png").build();
        }
    }

    @Nested
    class AiServiceWithJsonSchema extends AbstractAiServiceWithJsonSchemaIT {
        @Override
        protected List<ChatModel> models() {
            return List.of(client().supportedCapabilities(Capability.RESPONSE_FORMAT_JSON_SCHEMA).build());
        }

        @Override
        protected boolean supportsRecursion() {
            return true;
        }
    }

    @Nested
    class StreamingAiService extends AbstractStreamingAiServiceIT {
        @Override
        protected List<StreamingChatModel> models() {
            return List.of(streamingClient().build());
        }

        @Override
        protected Class<? extends ChatResponseMetadata> chatResponseMetadataType(StreamingChatModel model) {
            return OpenAiChatResponseMetadata.class;
        }

        @Override
        protected Class<? extends TokenUsage> tokenUsageType(StreamingChatModel model) {
            return OpenAiTokenUsage.class;
        }
    }
}
