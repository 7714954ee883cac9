// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.List;

import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import org.jspecify.annotations.Nullable;

import io.github.chaijlama.generate.GenerationConfig;

/**
 * The settings that the blocking and the streaming chat model share.
 *
 * @param <B> the builder itself
 */
public abstract sealed class ChaiChatModelBuilder<B extends ChaiChatModelBuilder<B>> extends ChaiModelBuilder<B>
        permits ChaiChatModel.Builder, ChaiStreamingChatModel.Builder {
    List<ChatModelListener> listeners = List.of();
    boolean returnThinking;
    boolean sendThinking;
    private @Nullable Boolean enableThinking;
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

    /**
     * Sets whether what the model thinks before it answers is returned: as {@code AiMessage.thinking()}, and while it
     * comes to {@code onPartialThinking}. By default it is not. In no case is it part of the answer's text. Whether the
     * model thinks is another matter ({@link #enableThinking}).
     */
    public B returnThinking(@Nullable Boolean returnThinking) {
        this.returnThinking = Boolean.TRUE.equals(returnThinking);
        return self();
    }

    /**
     * Sets whether the thinking of earlier messages of the model, where they have any, is given to its chat template,
     * as {@code reasoning_content}; what the template does with it is its affair. By default it is not.
     */
    public B sendThinking(@Nullable Boolean sendThinking) {
        this.sendThinking = Boolean.TRUE.equals(sendThinking);
        return self();
    }

    /**
     * Sets whether the model is to think before it answers, for models whose chat template has a switch for it
     * ({@code enable_thinking}); by default the template decides. {@link ChaiChatRequestParameters} say it for one
     * request.
     */
    public B enableThinking(@Nullable Boolean enableThinking) {
        this.enableThinking = enableThinking;
        return self();
    }

    /** Returns the defaults for requests: the model's own, over them those of this builder. */
    ChatRequestParameters defaultRequestParameters(ChaiEngine engine) {
        ChatRequestMapper.requireModelName(parameters.modelName(), engine.modelName());
        GenerationConfig own = engine.textModel().generationConfig();
        return ChaiChatRequestParameters.builder().modelName(engine.modelName())
                .temperature(own.temperature().orElse(null)).topK(own.topK().orElse(null))
                .topP(own.topP().orElse(null)).stopSequences(own.stopSequences()).build().overrideWith(parameters)
                .overrideWith(ChaiChatRequestParameters.builder().enableThinking(enableThinking)
                        .temperature(temperature).topP(topP).topK(topK)
                        .frequencyPenalty(frequencyPenalty).presencePenalty(presencePenalty)
                        .maxOutputTokens(maxOutputTokens).stopSequences(stopSequences).build());
    }
}
