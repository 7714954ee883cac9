// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.List;

import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;

/**
 * The settings that the blocking and the streaming model share. What is not set stays the model's default.
 *
 * @param <B> the builder itself
 */
public abstract sealed class ChaiModelBuilder<B extends ChaiModelBuilder<B>>
        permits ChaiChatModel.Builder, ChaiStreamingChatModel.Builder {
    ChaiEngine engine;
    Long seed;
    List<ChatModelListener> listeners = List.of();
    private ChatRequestParameters parameters = ChatRequestParameters.builder().build();
    private Double temperature;
    private Double topP;
    private Integer topK;
    private Integer maxOutputTokens;
    private List<String> stopSequences;

    ChaiModelBuilder() {}

    abstract B self();

    /** Sets the engine, which stays open when the model is no longer used. */
    public B engine(ChaiEngine engine) {
        this.engine = engine;
        return self();
    }

    /** Sets the temperature of requests that name none; 0, the default, takes the most likely token always. */
    public B temperature(Double temperature) {
        this.temperature = temperature;
        return self();
    }

    /** Sets topP of requests that name none; the default is 1, all tokens. */
    public B topP(Double topP) {
        this.topP = topP;
        return self();
    }

    /** Sets topK of requests that name none; the default is all tokens. */
    public B topK(Integer topK) {
        this.topK = topK;
        return self();
    }

    /** Sets the most tokens of an answer to requests that name none; the default is what the context holds. */
    public B maxOutputTokens(Integer maxOutputTokens) {
        this.maxOutputTokens = maxOutputTokens;
        return self();
    }

    /** Sets the stop sequences of requests that name none. */
    public B stopSequences(List<String> stopSequences) {
        this.stopSequences = stopSequences;
        return self();
    }

    /** Sets the seed of random choices: the same seed gives the same answer. LangChain4j's requests have no place for it. */
    public B seed(Long seed) {
        this.seed = seed;
        return self();
    }

    /** Sets defaults for requests; the single setters above win over these. */
    public B defaultRequestParameters(ChatRequestParameters defaultRequestParameters) {
        this.parameters = defaultRequestParameters == null ? ChatRequestParameters.builder().build()
                : defaultRequestParameters;
        return self();
    }

    /** Sets who hears of requests, responses and errors. */
    public B listeners(List<ChatModelListener> listeners) {
        this.listeners = listeners == null ? List.of() : List.copyOf(listeners);
        return self();
    }

    ChatRequestParameters defaultRequestParameters(String modelName) {
        ChatRequestMapper.requireModelName(parameters.modelName(), modelName);
        return ChatRequestParameters.builder().modelName(modelName).build().overrideWith(parameters)
                .overrideWith(ChatRequestParameters.builder().temperature(temperature).topP(topP).topK(topK)
                        .maxOutputTokens(maxOutputTokens).stopSequences(stopSequences).build());
    }
}
