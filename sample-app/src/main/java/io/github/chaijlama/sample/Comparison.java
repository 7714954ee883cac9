// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.io.IOException;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;

import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

import io.github.chaijlama.AttentionMode;

/**
 * One question on its way through exact and clustered attention, one after the other. Quick answers are asked for again
 * in turns, and the better times count: the first round of a process also pays for compiling. Before each run
 * what earlier requests have left is dropped, or one side would find more of it than the other.
 */
final class Comparison {
    private static final Logger logger = LoggerFactory.getLogger(Comparison.class);
    private static final List<AttentionMode> SIDES = List.of(AttentionMode.EXACT, AttentionMode.CLUSTERED);
    private static final int MOST_ROUNDS = 3;
    /** Beyond this nobody wants to wait for another round. */
    private static final Duration QUICK = Duration.ofSeconds(20);

    private final StreamingChatModel model;
    private final Runnable forgetPrefixes;
    private final Function<ChatResponse, ChatReply> replies;
    private final SseEmitter emitter;
    private volatile boolean gone;

    /**
     * Creates a comparison.
     *
     * @param forgetPrefixes drops what earlier requests have left to reuse
     * @param replies        turns a response into what is sent
     */
    Comparison(StreamingChatModel model, Runnable forgetPrefixes, Function<ChatResponse, ChatReply> replies,
            SseEmitter emitter) {
        this.model = model;
        this.forgetPrefixes = forgetPrefixes;
        this.replies = replies;
        this.emitter = emitter;
        emitter.onError(error -> gone = true);
        emitter.onTimeout(() -> gone = true);
        emitter.onCompletion(() -> gone = true);
    }

    /** The browser has left. */
    private static final class GoneException extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    /** Asks, and tells the browser until the end. */
    void run(List<ChatMessage> messages, ChatSettings settings) {
        try {
            Map<AttentionMode, ChatReply> best = new EnumMap<>(AttentionMode.class);
            long started = System.nanoTime();
            int rounds = 0;
            do {
                for (AttentionMode side : rounds % 2 == 0 ? SIDES : SIDES.reversed()) {
                    ChatReply reply = ask(messages, settings.withAttention(side), side, rounds == 0);
                    best.merge(side, reply, Comparison::faster);
                    if (rounds == 0) {
                        send("side", Map.of("attention", side));
                    }
                }
                rounds++;
            } while (rounds < MOST_ROUNDS && System.nanoTime() - started < QUICK.toNanos());
            send("done", Map.of("rounds", rounds, "replies", best));
            emitter.complete();
        } catch (GoneException e) {
            logger.debug("Nobody waits for the comparison", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the application ends
            emitter.complete();
        } catch (RuntimeException e) {
            fail(e);
        }
    }

    private static ChatReply faster(ChatReply one, ChatReply other) {
        return one.withTimes(Math.min(one.timeToFirstTokenMillis(), other.timeToFirstTokenMillis()),
                Math.min(one.durationMillis(), other.durationMillis()));
    }

    private void fail(RuntimeException error) {
        ApiErrors.Problem problem = ApiErrors.Problem.of(error);
        if (problem.status() == HttpStatus.INTERNAL_SERVER_ERROR) {
            logger.error("The comparison failed", error);
        }
        try {
            send("error", Map.of("error", problem.detail(), "status", problem.status().value()));
            emitter.complete();
        } catch (GoneException e) {
            logger.debug("Nobody waits for the comparison", e);
        }
    }

    private ChatReply ask(List<ChatMessage> messages, ChatSettings settings, AttentionMode side, boolean isShown)
            throws InterruptedException {
        forgetPrefixes.run();
        CompletableFuture<ChatResponse> answer = new CompletableFuture<>();
        model.chat(ChatRequest.builder().messages(messages).parameters(settings.parameters()).build(),
                new StreamingChatResponseHandler() {
                    @Override
                    public void onPartialResponse(PartialResponse partial, PartialResponseContext context) {
                        try {
                            if (isShown) {
                                send("token", Map.of("attention", side, "text", partial.text()));
                            }
                            requireThere();
                        } catch (GoneException e) {
                            context.streamingHandle().cancel();
                            answer.completeExceptionally(e);
                        }
                    }

                    @Override
                    public void onCompleteResponse(ChatResponse response) {
                        answer.complete(response);
                    }

                    @Override
                    public void onError(Throwable error) {
                        answer.completeExceptionally(error);
                    }
                });
        try {
            return replies.apply(answer.get());
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
        }
    }

    private void requireThere() {
        if (gone) {
            throw new GoneException();
        }
    }

    private void send(String event, Object data) {
        requireThere();
        try {
            emitter.send(SseEmitter.event().name(event).data(data));
        } catch (IOException | IllegalStateException e) {
            gone = true; // the container has noticed and ends the response
            logger.debug("The browser is gone", e);
            throw new GoneException();
        }
    }
}
