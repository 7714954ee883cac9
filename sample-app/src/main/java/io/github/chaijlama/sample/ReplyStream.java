// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.io.IOException;
import java.util.Map;
import java.util.function.Function;

import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

/**
 * An answer on its way to a browser: events {@code token}, then {@code done} or {@code error}. When the browser goes
 * away the answer is cancelled and not remembered.
 */
final class ReplyStream implements StreamingChatResponseHandler {
    private static final Logger logger = LoggerFactory.getLogger(ReplyStream.class);

    private final Function<ChatResponse, ChatReply> replies;
    private final Conversations.Turn turn;
    private final SseEmitter emitter;
    private volatile @Nullable StreamingHandle handle;
    private volatile boolean gone;

    /**
     * Creates a stream.
     *
     * @param replies turns a response into what is sent at the end
     */
    ReplyStream(Function<ChatResponse, ChatReply> replies, Conversations.Turn turn, SseEmitter emitter) {
        this.replies = replies;
        this.turn = turn;
        this.emitter = emitter;
        emitter.onError(error -> leave());
        emitter.onTimeout(this::leave);
        emitter.onCompletion(this::leave);
    }

    @Override
    public void onPartialResponse(PartialResponse partial, PartialResponseContext context) {
        handle = context.streamingHandle();
        if (gone || !send("token", Map.of("text", partial.text()))) {
            leave();
        }
    }

    @Override
    public void onCompleteResponse(ChatResponse response) {
        try {
            // Remembered only when it was sent; the next message waits until then.
            if (!gone && send("done", replies.apply(response))) {
                turn.remember(response.aiMessage());
                emitter.complete();
            }
        } finally {
            turn.close();
        }
    }

    @Override
    public void onError(Throwable error) {
        ApiErrors.Problem problem = ApiErrors.Problem.of(error);
        if (problem.status() == HttpStatus.INTERNAL_SERVER_ERROR) {
            logger.error("The answer failed", error);
        }
        leave();
        if (send("error", Map.of("error", problem.detail(), "status", problem.status().value()))) {
            emitter.complete();
        }
    }

    private boolean send(String event, Object data) {
        try {
            emitter.send(SseEmitter.event().name(event).data(data));
            return true;
        } catch (IOException e) {
            logger.debug("The browser is gone", e); // the container has noticed and ends the response
            return false;
        } catch (RuntimeException e) {
            if (!gone) {
                logger.warn("The answer cannot be sent", e);
            }
            emitter.completeWithError(e);
            return false;
        }
    }

    /** The browser is gone, or everything was sent: nothing more to generate or to remember. */
    private void leave() {
        gone = true;
        StreamingHandle running = handle;
        if (running != null) {
            running.cancel();
        }
        turn.close();
    }
}
