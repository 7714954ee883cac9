// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.List;

import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import org.jspecify.annotations.Nullable;

/**
 * The settings that the blocking and the streaming chat model share.
 *
 * @param <B> the builder itself
 */
public abstract sealed class ChaiChatModelBuilder<B extends ChaiChatModelBuilder<B>> extends ChaiModelBuilder<B>
        permits ChaiChatModel.Builder, ChaiStreamingChatModel.Builder {
    List<ChatModelListener> listeners = List.of();
    private ChatRequestParameters parameters = ChatRequestParameters.builder().build();

    ChaiChatModelBuilder() {}

    /** Sets defaults for requests; the single setters win over these. */
    public B defaultRequestParameters(@Nullable ChatRequestParameters defaultRequestParameters) {
        this.parameters = defaultRequestParameters == null ? ChatRequestParameters.builder().build()
                : defaultRequestParameters;
        return self();
    }

    /** Sets who hears of requests, responses and errors. */
    public B listeners(@Nullable List<ChatModelListener> listeners) {
        this.listeners = listeners == null ? List.of() : List.copyOf(listeners);
        return self();
    }

    ChatRequestParameters defaultRequestParameters(String modelName) {
        ChatRequestMapper.requireModelName(parameters.modelName(), modelName);
        return ChatRequestParameters.builder().modelName(modelName).build().overrideWith(parameters)
                .overrideWith(ChatRequestParameters.builder().temperature(temperature).topP(topP).topK(topK)
                        .frequencyPenalty(frequencyPenalty).presencePenalty(presencePenalty)
                        .maxOutputTokens(maxOutputTokens).stopSequences(stopSequences).build());
    }
}
