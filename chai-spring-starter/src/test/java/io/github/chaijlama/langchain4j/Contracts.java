// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.List;

import dev.langchain4j.data.image.Image;
import dev.langchain4j.exception.InvalidRequestException;
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
import dev.langchain4j.service.common.AbstractAiServiceIT;
import dev.langchain4j.service.common.AbstractAiServiceWithJsonSchemaIT;
import dev.langchain4j.service.common.AbstractAiServiceWithToolsIT;
import dev.langchain4j.service.common.AbstractStreamingAiServiceIT;
import org.mockito.InOrder;

import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.argThat;
import static org.mockito.Mockito.atLeast;

/**
 * LangChain4j's own tests of chat models and AI services, for an engine that follows a script
 * ({@link ScriptedContractTests}) and for Pocket as it is ({@link PocketContractReportTests}).
 */
final class Contracts {

    private Contracts() {}

    abstract static class Chat extends AbstractChatModelIT {
        private final ContractEngine engine;

        Chat(ContractEngine engine) {
            this.engine = engine;
        }

        @Override
        protected List<ChatModel> models() {
            return List.of(engine.chat().build());
        }

        @Override
        protected ChatModel createModelWith(ChatRequestParameters parameters) {
            return engine.chat().defaultRequestParameters(parameters).build();
        }

        @Override
        protected boolean supportsModelNameParameter() {
            return false; // a model has one name; others are refused
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
        protected Class<? extends ChatResponseMetadata> chatResponseMetadataType(ChatModel model) {
            return ChaiChatResponseMetadata.class;
        }

        @Override
        protected ChatRequestParameters createIntegrationSpecificParameters(int maxOutputTokens) {
            return ChatRequestParameters.builder().maxOutputTokens(maxOutputTokens).build();
        }
    }

    abstract static class StreamingChat extends AbstractStreamingChatModelIT {
        private final ContractEngine engine;

        StreamingChat(ContractEngine engine) {
            this.engine = engine;
        }

        @Override
        protected List<StreamingChatModel> models() {
            return List.of(engine.streaming().build());
        }

        @Override
        protected StreamingChatModel createModelWith(ChatRequestParameters parameters) {
            return engine.streaming().defaultRequestParameters(parameters).build();
        }

        @Override
        public StreamingChatModel createModelWith(ChatModelListener listener) {
            return engine.streaming(listener).build();
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
        protected boolean supportsModelNameParameter() {
            return false; // a model has one name; others are refused
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
        protected Class<? extends ChatResponseMetadata> chatResponseMetadataType(StreamingChatModel model) {
            return ChaiChatResponseMetadata.class;
        }

        @Override
        protected ChatRequestParameters createIntegrationSpecificParameters(int maxOutputTokens) {
            return ChatRequestParameters.builder().maxOutputTokens(maxOutputTokens).build();
        }
    }

    abstract static class ChatListener extends AbstractChatModelListenerIT {
        private final ContractEngine engine;

        ChatListener(ContractEngine engine) {
            this.engine = engine;
        }

        @Override
        protected ChatModel createModel(ChatModelListener listener) {
            return engine.chat(listener).temperature(temperature()).topP(topP()).maxOutputTokens(maxTokens()).build();
        }

        @Override
        protected String modelName() {
            return "pocket";
        }

        @Override
        protected ChatModel createFailingModel(ChatModelListener listener) {
            return engine.chat(listener).maxOutputTokens(0).build();
        }

        @Override
        protected Class<? extends Exception> expectedExceptionClass() {
            return InvalidRequestException.class;
        }
    }

    abstract static class StreamingChatListener extends AbstractStreamingChatModelListenerIT {
        private final ContractEngine engine;

        StreamingChatListener(ContractEngine engine) {
            this.engine = engine;
        }

        @Override
        protected StreamingChatModel createModel(ChatModelListener listener) {
            return engine.streaming(listener).temperature(temperature()).topP(topP()).maxOutputTokens(maxTokens())
                    .build();
        }

        @Override
        protected String modelName() {
            return "pocket";
        }

        @Override
        protected StreamingChatModel createFailingModel(ChatModelListener listener) {
            return engine.streaming(listener).maxOutputTokens(0).build();
        }

        @Override
        protected Class<? extends Exception> expectedExceptionClass() {
            return InvalidRequestException.class;
        }
    }

    abstract static class AiService extends AbstractAiServiceIT {
        private final ContractEngine engine;

        AiService(ContractEngine engine) {
            this.engine = engine;
        }

        @Override
        protected List<ChatModel> models() {
            return List.of(engine.chat().build());
        }
    }

    abstract static class AiServiceWithTools extends AbstractAiServiceWithToolsIT {
        private final ContractEngine engine;

        AiServiceWithTools(ContractEngine engine) {
            this.engine = engine;
        }

        @Override
        protected List<ChatModel> models() {
            return List.of(engine.chat().build());
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

    abstract static class AiServiceWithJsonSchema extends AbstractAiServiceWithJsonSchemaIT {
        private final ContractEngine engine;

        AiServiceWithJsonSchema(ContractEngine engine) {
            this.engine = engine;
        }

        @Override
        protected List<ChatModel> models() {
            return List.of(engine.chat().build());
        }

        @Override
        protected boolean supportsRecursion() {
            return true;
        }
    }

    abstract static class StreamingAiService extends AbstractStreamingAiServiceIT {
        private final ContractEngine engine;

        StreamingAiService(ContractEngine engine) {
            this.engine = engine;
        }

        @Override
        protected List<StreamingChatModel> models() {
            return List.of(engine.streaming().build());
        }

        @Override
        protected Class<? extends ChatResponseMetadata> chatResponseMetadataType(StreamingChatModel model) {
            return ChaiChatResponseMetadata.class;
        }
    }
}
