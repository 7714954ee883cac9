// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

/**
 * An answer on its way to a browser: events {@code token}, then {@code done} or {@code error}. When the browser goes away the answer
 * is cancelled and not remembered.
 */
final class ReplyStream implements StreamingChatResponseHandler {
    private static final Logger logger = LoggerFactory.getLogger(ReplyStream.class);
    private static final Duration TIMEOUT = Duration.ofMinutes(10);

    private final String conversationId;
    private final Conversations.Conversation conversation;
    private final UserMessage question;
    private final SseEmitter emitter = new SseEmitter(TIMEOUT.toMillis());
    private final AtomicBoolean turnEnded = new AtomicBoolean();
    private volatile StreamingHandle handle;
    private volatile boolean gone;

    ReplyStream(String conversationId, Conversations.Conversation conversation, UserMessage question) {
        this.conversationId = conversationId;
        this.conversation = conversation;
        this.question = question;
        emitter.onError(error -> leave());
        emitter.onTimeout(this::leave);
        emitter.onCompletion(this::leave);
    }

    SseEmitter emitter() {
        return emitter;
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
        if (!gone) {
            conversation.memory().add(question);
            conversation.memory().add(response.aiMessage());
        }
        endTurn();
        if (send("done", ChatReply.of(conversationId, response))) {
            emitter.complete();
        }
    }

    @Override
    public void onError(Throwable error) {
        logger.debug("The answer failed", error);
        endTurn();
        if (send("error", Map.of("error", String.valueOf(error.getMessage())))) {
            emitter.complete();
        }
    }

    private boolean send(String event, Object data) {
        try {
            emitter.send(SseEmitter.event().name(event).data(data));
            return true;
        } catch (IOException | IllegalStateException e) {
            logger.debug("The browser is gone", e);
            return false;
        }
    }

    /** The browser is gone, or everything was sent. */
    private void leave() {
        gone = true;
        StreamingHandle running = handle;
        if (running != null) {
            running.cancel();
        }
        endTurn();
    }

    /** Lets the next message of the conversation be answered. */
    void endTurn() {
        if (turnEnded.compareAndSet(false, true)) {
            conversation.turn().release();
        }
    }
}
