// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.model.StreamingResponseHandler;
import dev.langchain4j.model.language.StreamingLanguageModel;
import dev.langchain4j.model.output.Response;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.chaijlama.generate.GenerationListener;

/**
 * A LangChain4j streaming language model on a {@link ChaiEngine}; what it streams is what {@link ChaiLanguageModel}
 * returns. Thread-safe.
 *
 * <p>{@code generate} returns at once; the handler is called on another thread, in order, with whole characters, never
 * with nothing. Errors reach {@code onError}. So does an exception of the handler itself, and the text goes on:
 * LangChain4j's language models have no way to cancel.
 */
public final class ChaiStreamingLanguageModel implements StreamingLanguageModel, AutoCloseable {
    private static final Logger logger = LoggerFactory.getLogger(ChaiStreamingLanguageModel.class);

    private final EngineHold hold;
    private final ChaiCompletions completions;

    private ChaiStreamingLanguageModel(Builder builder, EngineHold hold) {
        this.hold = hold;
        this.completions = new ChaiCompletions(builder, hold);
    }

    /** Returns an empty builder. */
    public static Builder builder() {
        return new Builder();
    }

    @Override
    public void generate(String prompt, StreamingResponseHandler<String> handler) {
        try {
            hold.engine().stream(() -> run(prompt, handler));
        } catch (IllegalStateException e) {
            tell(handler, new InternalServerException(e.getMessage(), e));
        }
    }

    private void run(String prompt, StreamingResponseHandler<String> handler) {
        Response<String> response;
        try {
            response = completions.complete(prompt, new GenerationListener() {
                @Override
                public void onToken(int token, String text) {
                    if (!text.isEmpty()) {
                        guarded(handler, () -> handler.onNext(text));
                    }
                }

                @Override
                public void onRemainingText(String text) {
                    guarded(handler, () -> handler.onNext(text));
                }
            });
        } catch (RuntimeException | Error e) {
            tell(handler, e);
            return;
        }
        guarded(handler, () -> handler.onComplete(response));
    }

    private static void guarded(StreamingResponseHandler<String> handler, Runnable callback) {
        try {
            callback.run();
        } catch (Exception e) { // not all languages declare what they throw
            tell(handler, e);
        }
    }

    private static void tell(StreamingResponseHandler<String> handler, Throwable error) {
        try {
            handler.onError(error);
        } catch (Exception e) {
            logger.warn("The handler's onError failed; the exception is ignored", e);
        }
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
        public ChaiStreamingLanguageModel build() {
            return build(hold -> new ChaiStreamingLanguageModel(this, hold));
        }
    }
}
