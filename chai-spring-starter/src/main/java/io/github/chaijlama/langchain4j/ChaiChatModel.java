// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.List;
import java.util.Objects;

import dev.langchain4j.model.ModelProvider;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;

import io.github.chaijlama.generate.Cancellation;
import io.github.chaijlama.generate.GenerationListener;

/**
 * A LangChain4j chat model (the interface called {@code ChatLanguageModel} before 1.0) on a {@link ChaiEngine}. Thread-safe: any
 * number of requests may run at once.
 *
 * <p>Temperature, topP, topK, maxOutputTokens and stopSequences are honoured per request; what is not supported is refused with
 * {@link dev.langchain4j.exception.UnsupportedFeatureException}. A prompt beyond the context is an {@link
 * dev.langchain4j.exception.InvalidRequestException}; a request for which there is no key/value memory at the moment is a {@link
 * dev.langchain4j.exception.RateLimitException}.
 */
public final class ChaiChatModel implements ChatModel {
    private final ChaiAnswers answers;
    private final ChatRequestParameters defaultRequestParameters;
    private final List<ChatModelListener> listeners;

    private ChaiChatModel(Builder builder) {
        this.answers = new ChaiAnswers(Objects.requireNonNull(builder.engine, "engine"), builder.seed);
        this.defaultRequestParameters = builder.defaultRequestParameters(builder.engine.modelName());
        this.listeners = List.copyOf(builder.listeners);
    }

    /** Returns an empty builder. */
    public static Builder builder() {
        return new Builder();
    }

    @Override
    public ChatResponse doChat(ChatRequest request) {
        return answers.response(
                answers.answer(answers.prepare(request), GenerationListener.NONE, new Cancellation()));
    }

    @Override
    public ChatRequestParameters defaultRequestParameters() {
        return defaultRequestParameters;
    }

    @Override
    public List<ChatModelListener> listeners() {
        return listeners;
    }

    @Override
    public ModelProvider provider() {
        return ModelProvider.OTHER;
    }

    /** Puts a model together. Only the engine is needed. */
    public static final class Builder extends ChaiModelBuilder<Builder> {
        /** Creates an empty builder. */
        public Builder() {}

        @Override
        Builder self() {
            return this;
        }

        /** Returns the model. */
        public ChaiChatModel build() {
            return new ChaiChatModel(this);
        }
    }
}
