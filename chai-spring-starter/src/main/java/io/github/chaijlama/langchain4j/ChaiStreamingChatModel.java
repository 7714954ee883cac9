// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.List;
import java.util.Optional;
import java.util.Set;

import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.ModelProvider;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.PartialThinking;
import dev.langchain4j.model.chat.response.PartialThinkingContext;
import dev.langchain4j.model.chat.response.PartialToolCall;
import dev.langchain4j.model.chat.response.PartialToolCallContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.chaijlama.generate.Cancellation;
import io.github.chaijlama.generate.GenerationListener;
import io.github.chaijlama.generate.GenerationResult;
import io.github.chaijlama.tool.ToolCall;
import io.github.chaijlama.tool.ToolCallListener;
import io.github.chaijlama.tool.ToolCallParser;

/**
 * A LangChain4j streaming chat model on a {@link ChaiEngine}. Thread-safe.
 *
 * <p>{@code chat} returns at once; the handler is called on another thread, in order. Its partial responses are whole
 * characters and never empty; calls of tools come as partial and complete ones, and thinking, where it is returned, as
 * partial thinking, and not as text. The streaming handle cancels the answer: after that the handler is not called
 * again. Errors of a request reach {@code onError}, except that {@code chat} throws an
 * {@link UnsupportedFeatureException} itself. An exception of the handler itself is given to its {@code onError}, and
 * the answer goes on, as with LangChain4j's other models.
 */
public final class ChaiStreamingChatModel implements StreamingChatModel, AutoCloseable {
    private static final Logger logger = LoggerFactory.getLogger(ChaiStreamingChatModel.class);

    private final EngineHold hold;
    private final ChaiAnswers answers;
    private final ChatRequestParameters defaultRequestParameters;
    private final List<ChatModelListener> listeners;

    private ChaiStreamingChatModel(Builder builder, EngineHold hold) {
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
    public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
        Stream stream = new Stream(handler, ChaiChatRequestParameters.cancellation(request));
        Runnable answer;
        try {
            MappedRequest mapped = answers.map(request);
            answer = () -> stream.run(mapped);
        } catch (UnsupportedFeatureException e) {
            throw e; // LangChain4j's contract for what a model can never do
        } catch (RuntimeException e) {
            answer = () -> stream.fail(e);
        }
        try {
            hold.engine().stream(answer);
        } catch (IllegalStateException e) {
            stream.fail(new InternalServerException(e.getMessage(), e));
        }
    }

    /**
     * Returns what answers, for those who watch it or stop it.
     *
     * @throws IllegalStateException if this was closed
     */
    public ChaiEngine engine() {
        return hold.engine();
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

    /** One answer on its way to a handler. */
    private final class Stream implements GenerationListener, ToolCallListener, StreamingHandle {
        private final StreamingChatResponseHandler handler;
        private final Cancellation cancellation;
        /** Finds calls in the answer, if there are tools. */
        private Optional<ToolCallParser> parser = Optional.empty();
        private boolean returnThinking;

        Stream(StreamingChatResponseHandler handler, Cancellation cancellation) {
            this.handler = handler;
            this.cancellation = cancellation;
        }

        void run(MappedRequest request) {
            GenerationResult result;
            try {
                parser = request.tools().isEmpty() ? Optional.empty() : Optional.of(request.parser(this));
                returnThinking = request.returnThinking();
                result = answers.answer(request, this, cancellation);
            } catch (RuntimeException | Error e) {
                fail(e);
                return;
            }
            parser.ifPresent(ToolCallParser::finish);
            // Not the result's reason: an answer can be cancelled while it ends for another one.
            if (!isCancelled()) {
                ChatResponse response = parser.map(calls -> answers.response(request, result, calls))
                        .orElseGet(() -> answers.response(request, result));
                guarded(() -> handler.onCompleteResponse(response));
            }
        }

        void fail(Throwable error) {
            if (!isCancelled()) {
                tell(error);
            }
        }

        @Override
        public void onToken(int token, String text) {
            if (parser.isPresent()) {
                parser.get().next(text);
            } else if (!text.isEmpty()) {
                onText(text);
            }
        }

        @Override
        public void onText(String text) {
            if (!isCancelled()) {
                guarded(() -> handler.onPartialResponse(new PartialResponse(text), new PartialResponseContext(this)));
            }
        }

        @Override
        public void onThinking(String text) {
            if (returnThinking && !isCancelled()) {
                guarded(() -> handler.onPartialThinking(new PartialThinking(text), new PartialThinkingContext(this)));
            }
        }

        @Override
        public void onArguments(int index, String id, String name, String part) {
            if (!isCancelled()) {
                PartialToolCall call = PartialToolCall.builder().index(index).id(id).name(name).partialArguments(part)
                        .build();
                guarded(() -> handler.onPartialToolCall(call, new PartialToolCallContext(this)));
            }
        }

        @Override
        public void onCall(int index, ToolCall call) {
            if (!isCancelled()) {
                guarded(() -> handler.onCompleteToolCall(new CompleteToolCall(index, ChaiAnswers.request(call))));
            }
        }

        @Override
        public void onRemainingText(String text) {
            onToken(-1, text);
        }

        private void guarded(Runnable callback) {
            try {
                callback.run();
            } catch (Exception e) { // not all languages declare what they throw
                tell(e);
            }
        }

        private void tell(Throwable error) {
            try {
                handler.onError(error);
            } catch (Exception e) {
                logger.warn("The handler's onError failed; the exception is ignored", e);
            }
        }

        @Override
        public void cancel() {
            cancellation.cancel();
        }

        @Override
        public boolean isCancelled() {
            return cancellation.isCancelled();
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
    public static final class Builder extends ChaiChatModelBuilder<Builder> {
        /** Creates an empty builder. */
        public Builder() {}

        @Override
        Builder self() {
            return this;
        }

        /** Returns the model. */
        public ChaiStreamingChatModel build() {
            return build(hold -> new ChaiStreamingChatModel(this, hold));
        }
    }
}
