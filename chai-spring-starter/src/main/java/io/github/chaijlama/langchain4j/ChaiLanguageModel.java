// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import dev.langchain4j.model.language.LanguageModel;
import dev.langchain4j.model.output.Response;

import io.github.chaijlama.generate.GenerationListener;

/**
 * A LangChain4j language model on a {@link ChaiEngine}: it continues a text, without a chat template. Around the text
 * stands what the model's tokenizer puts there, often a beginning of sequence; nothing in the text becomes a control
 * token. Thread-safe.
 *
 * <p>The response's metadata holds {@code id}, {@code modelName}, {@code attention}, {@code timeToFirstToken} and
 * {@code duration} (both {@link java.time.Duration}), {@code kvCacheBytes} and {@code cachedPromptTokens}. Exceptions
 * are those of {@link ChaiChatModel}.
 */
public final class ChaiLanguageModel implements LanguageModel, AutoCloseable {
    private final EngineHold hold;
    private final ChaiCompletions completions;

    private ChaiLanguageModel(Builder builder, EngineHold hold) {
        this.hold = hold;
        this.completions = new ChaiCompletions(builder, hold);
    }

    /** Returns an empty builder. */
    public static Builder builder() {
        return new Builder();
    }

    @Override
    public Response<String> generate(String prompt) {
        return completions.complete(prompt, GenerationListener.NONE);
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
    public static final class Builder extends ChaiModelBuilder<Builder> {
        /** Creates an empty builder. */
        public Builder() {}

        @Override
        Builder self() {
            return this;
        }

        /**
         * Returns the model.
         *
         * @throws IllegalArgumentException if a setting is impossible
         */
        public ChaiLanguageModel build() {
            return build(hold -> new ChaiLanguageModel(this, hold));
        }
    }
}
