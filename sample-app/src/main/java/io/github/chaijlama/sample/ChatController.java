// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.time.Duration;
import java.util.Objects;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import jakarta.servlet.http.HttpServletRequest;
import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

import io.github.chaijlama.langchain4j.ChaiEngine;

/** The chat over HTTP, blocking and as server-sent events. */
@RestController
@RequestMapping("/api")
class ChatController {
    static final Duration STREAM_TIMEOUT = Duration.ofMinutes(10);

    private final ChatModel chatModel;
    private final StreamingChatModel streamingChatModel;
    private final Conversations conversations;
    private final ExactCacheSize exactCacheSize;

    ChatController(ChatModel chatModel, StreamingChatModel streamingChatModel, Conversations conversations,
            ChaiEngine engine) {
        this.chatModel = chatModel;
        this.streamingChatModel = streamingChatModel;
        this.conversations = conversations;
        this.exactCacheSize = ExactCacheSize.of(engine.textModel().tokenModel());
    }

    /** A message of a user, as far as the browser has said. */
    record ChatMessageRequest(@Nullable String conversationId, @Nullable String message,
            @Nullable ChatSettings settings) {
        String requireConversationId() {
            return requireText(conversationId, "conversationId");
        }

        String requireMessage() {
            return requireText(message, "message");
        }

        ChatSettings settingsOrNone() {
            return Objects.requireNonNullElse(settings, ChatSettings.NONE);
        }

        private static String requireText(@Nullable String text, String name) {
            if (text == null || text.isBlank()) {
                throw new InvalidRequestException(name + " must not be empty");
            }
            return text;
        }
    }

    @PostMapping("/chat")
    ChatReply chat(@RequestBody ChatMessageRequest message, HttpServletRequest http) throws InterruptedException {
        try (Conversations.Turn turn = begin(message, http)) {
            ChatResponse response = chatModel.chat(request(turn, message));
            ChatReply reply = ChatReply.of(message.requireConversationId(), response, exactCacheSize);
            turn.remember(response.aiMessage());
            return reply;
        }
    }

    @PostMapping("/chat/stream")
    SseEmitter stream(@RequestBody ChatMessageRequest message, HttpServletRequest http) throws InterruptedException {
        Conversations.Turn turn = begin(message, http);
        boolean started = false;
        try {
            SseEmitter emitter = new SseEmitter(STREAM_TIMEOUT.toMillis());
            ReplyStream stream = new ReplyStream(
                    response -> ChatReply.of(message.requireConversationId(), response, exactCacheSize), turn, emitter);
            streamingChatModel.chat(request(turn, message), stream);
            started = true; // from here on the stream ends the turn
            return emitter;
        } finally {
            if (!started) {
                turn.close();
            }
        }
    }

    private Conversations.Turn begin(ChatMessageRequest message, HttpServletRequest http) throws InterruptedException {
        ConversationKey key = new ConversationKey(Browser.owner(http), message.requireConversationId());
        return conversations.begin(key, UserMessage.from(message.requireMessage()), message.settingsOrNone());
    }

    private static ChatRequest request(Conversations.Turn turn, ChatMessageRequest message) {
        return ChatRequest.builder().messages(turn.messages()).parameters(message.settingsOrNone().parameters())
                .build();
    }
}
