// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Primary;

import io.github.chaijlama.langchain4j.ChaiStreamingChatModel;

/**
 * Lets a test stop answers between two tokens. No {@code @Configuration}, so that the sample's component scan does not
 * find it.
 */
class HeldStreams {
    /** Runs before a token is sent. */
    static volatile Runnable beforeToken = () -> {};

    @Bean
    @Primary
    StreamingChatModel heldStreamingChatModel(ChaiStreamingChatModel model) {
        return new StreamingChatModel() {
            @Override
            public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
                model.chat(request, new StreamingChatResponseHandler() {
                    @Override
                    public void onPartialResponse(PartialResponse partial, PartialResponseContext context) {
                        beforeToken.run();
                        handler.onPartialResponse(partial, context);
                    }

                    @Override
                    public void onCompleteResponse(ChatResponse response) {
                        handler.onCompleteResponse(response);
                    }

                    @Override
                    public void onError(Throwable error) {
                        handler.onError(error);
                    }
                });
            }
        };
    }
}
