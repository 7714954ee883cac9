// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.List;
import java.util.Set;

import dev.langchain4j.model.ModelProvider;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;

import io.github.chaijlama.generate.GenerationListener;
import io.github.chaijlama.generate.GenerationResult;
import io.github.chaijlama.tool.ToolCallListener;
import io.github.chaijlama.tool.ToolCallParser;

/**
 * A LangChain4j chat model (the interface called {@code ChatLanguageModel} before 1.0) on a {@link ChaiEngine}.
 * Thread-safe: any number of requests may run at once, on platform or virtual threads; they share the model's steps.
 *
 * <p>Every parameter of a request is honoured, or refused with
 * {@link dev.langchain4j.exception.UnsupportedFeatureException}: another model's name, and stop sequences beside a JSON
 * response format or tool choice REQUIRED, which they could cut (defaults of this model are set aside there). A prompt
 * beyond the context is an {@link dev.langchain4j.exception.InvalidRequestException}; a request for which there is no
 * place or no key/value memory at the moment is a {@link dev.langchain4j.exception.RateLimitException}, one that takes
 * longer than the engine allows a {@link dev.langchain4j.exception.TimeoutException}; one that comes while the
 * application stops is an {@link dev.langchain4j.exception.InternalServerException}, which may be tried again.
 *
 * <p>Tools are shown to the model by its own chat template, and calls found in its family's form
 * ({@link io.github.chaijlama.tool.ToolCallParser}). A JSON response format, with a schema or without, and tool choice
 * REQUIRED are kept by constrained decoding; the form is also described at the end of the last user message. A call
 * that maxOutputTokens cuts short is text.
 *
 * <p>What a model thinks between its marks is never part of text, JSON or calls; it is returned where the builder says
 * so.
 */
public final class ChaiChatModel implements ChatModel, AutoCloseable {
    private final EngineHold hold;
    private final ChaiAnswers answers;
    private final ChatRequestParameters defaultRequestParameters;
    private final List<ChatModelListener> listeners;

    private ChaiChatModel(Builder builder, EngineHold hold) {
        this.hold = hold;
        this.defaultRequestParameters = builder.defaultRequestParameters(hold.engine());
        this.answers = new ChaiAnswers(hold, builder, defaultRequestParameters);
        this.listeners = List.copyOf(builder.listeners);
    }

    /** Returns an empty builder. */
    public static Builder builder() {
        return new Builder();
    }

    @Override
    public ChatResponse doChat(ChatRequest request) {
        MappedRequest mapped = answers.map(request);
        GenerationResult result = answers.answer(mapped, GenerationListener.NONE,
                ChaiChatRequestParameters.cancellation(request));
        if (mapped.tools().isEmpty()) {
            return answers.response(mapped, result);
        }
        ToolCallParser parser = mapped.parser(ToolCallListener.NONE);
        parser.next(result.text());
        parser.finish();
        return answers.response(mapped, result, parser);
    }

    @Override
    public Set<Capability> supportedCapabilities() {
        return answers.capabilities();
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

    /**
     * Refuses further requests; answers that are being generated come to their end. If the model was built with a
     * directory, closes its engine too, and they end with an error.
     */
    @Override
    public void close() {
        hold.close();
    }

    /** Puts a model together. Only the engine or a model directory is needed. */
    public static final class Builder extends ChaiChatModelBuilder<Builder> {
        /** Creates an empty builder. */
        public Builder() {}

        @Override
        Builder self() {
            return this;
        }

        /** Returns the model. */
        public ChaiChatModel build() {
            return build(hold -> new ChaiChatModel(this, hold));
        }
    }
}
