// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.Objects;

import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.model.StreamingResponseHandler;
import dev.langchain4j.model.language.StreamingLanguageModel;
import dev.langchain4j.model.output.Response;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.chaijlama.generate.Cancellation;
import io.github.chaijlama.generate.GenerationListener;

/**
 * A LangChain4j streaming language model on a {@link ChaiEngine}; what it streams is what {@link ChaiLanguageModel}
 * returns. Thread-safe.
 *
 * <p>{@code generate} returns at once; the handler is called on another thread, in order, with whole characters, never
 * with nothing. Errors reach {@code onError}. So does an exception of the handler itself, and the text goes on.
 */
public final class ChaiStreamingLanguageModel implements StreamingLanguageModel, AutoCloseable {
    private static final Logger logger = LoggerFactory.getLogger(ChaiStreamingLanguageModel.class);

    private final EngineHold hold;
    private final ChaiCompletions completions;
    private final String modelName;

    private ChaiStreamingLanguageModel(Builder builder, EngineHold hold) {
        this.hold = hold;
        this.completions = new ChaiCompletions(builder, hold);
        this.modelName = hold.engine().modelName();
    }

    /** Returns an empty builder. */
    public static Builder builder() {
        return new Builder();
    }

    @Override
    public void generate(String prompt, StreamingResponseHandler<String> handler) {
        generate(prompt, ChaiChatRequestParameters.builder().build(), handler);
    }

    /**
     * Continues a text as one request wants it. What the parameters do not say is as this model was built; tools,
     * response formats, and another model's name are refused, and whether to think means nothing here.
     *
     * @param parameters with a {@linkplain ChaiChatRequestParameters#cancellation cancellation}, if somebody may want
     *                   to end the text early; after that the handler is not called again
     */
    public void generate(String prompt, ChaiChatRequestParameters parameters,
            StreamingResponseHandler<String> handler) {
        Stream stream = new Stream(handler,
                Objects.requireNonNullElseGet(parameters.cancellation(), Cancellation::new));
        try {
            hold.engine().stream(() -> stream.run(prompt, parameters));
        } catch (IllegalStateException e) {
            stream.fail(new InternalServerException(e.getMessage(), e));
        }
    }

    /** Returns the name of the model. */
    public String modelName() {
        return modelName;
    }

    /** One text on its way to a handler. */
    private final class Stream implements GenerationListener {
        private final StreamingResponseHandler<String> handler;
        private final Cancellation cancellation;

        Stream(StreamingResponseHandler<String> handler, Cancellation cancellation) {
            this.handler = handler;
            this.cancellation = cancellation;
        }

        void run(String prompt, ChaiChatRequestParameters parameters) {
            Response<String> response;
            try {
                response = completions.complete(prompt, parameters, this, cancellation);
            } catch (RuntimeException | Error e) {
                fail(e);
                return;
            }
            guarded(() -> handler.onComplete(response));
        }

        @Override
        public void onToken(int token, String text) {
            if (!text.isEmpty()) {
                guarded(() -> handler.onNext(text));
            }
        }

        @Override
        public void onRemainingText(String text) {
            guarded(() -> handler.onNext(text));
        }

        private void guarded(Runnable callback) {
            if (cancellation.isCancelled()) {
                return;
            }
            try {
                callback.run();
            } catch (Exception e) { // not all languages declare what they throw
                tell(handler, e);
            }
        }

        void fail(Throwable error) {
            if (!cancellation.isCancelled()) {
                tell(handler, error);
            }
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
