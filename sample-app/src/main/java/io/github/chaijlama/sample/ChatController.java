// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.response.ChatResponse;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.ProblemDetail;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

import io.github.chaijlama.TokenModel;
import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.profile.ClusterProfile;

/** The chat over HTTP, blocking and as server-sent events. */
@RestController
@RequestMapping("/api")
class ChatController {
    private static final Duration STREAM_TIMEOUT = Duration.ofMinutes(10);

    private final ChatModel chatModel;
    private final StreamingChatModel streamingChatModel;
    private final Conversations conversations;
    private final ChaiEngine engine;

    ChatController(ChatModel chatModel, StreamingChatModel streamingChatModel, Conversations conversations,
            ChaiEngine engine) {
        this.chatModel = chatModel;
        this.streamingChatModel = streamingChatModel;
        this.conversations = conversations;
        this.engine = engine;
    }

    /** A message of a user, as far as the browser has said. */
    record ChatMessageRequest(@Nullable String conversationId, @Nullable String message) {
        String requireConversationId() {
            return requireText(conversationId, "conversationId");
        }

        String requireMessage() {
            return requireText(message, "message");
        }

        private static String requireText(@Nullable String text, String name) {
            if (text == null || text.isBlank()) {
                throw new InvalidRequestException(name + " must not be empty");
            }
            return text;
        }
    }

    @PostMapping("/chat")
    ChatReply chat(@RequestBody ChatMessageRequest request) throws InterruptedException {
        try (Conversations.Turn turn = begin(request)) {
            ChatResponse response = chatModel.chat(turn.messages());
            ChatReply reply = ChatReply.of(request.requireConversationId(), response);
            turn.remember(response.aiMessage());
            return reply;
        }
    }

    @PostMapping("/chat/stream")
    SseEmitter stream(@RequestBody ChatMessageRequest request) throws InterruptedException {
        Conversations.Turn turn = begin(request);
        boolean started = false;
        try {
            SseEmitter emitter = new SseEmitter(STREAM_TIMEOUT.toMillis());
            streamingChatModel.chat(turn.messages(), new ReplyStream(request.requireConversationId(), turn, emitter));
            started = true; // from here on the stream ends the turn
            return emitter;
        } finally {
            if (!started) {
                turn.close();
            }
        }
    }

    /** What answers here; clusters of each layer, if its attention has any. */
    record Info(String model, long parameters, String attention, Optional<List<Integer>> clusters, String operators,
            int contextLength) {}

    @GetMapping("/info")
    Info info() {
        TokenModel model = engine.textModel().tokenModel();
        return new Info(engine.modelName(), model.numberOfParameters(), model.options().attention().name(),
                model.options().profile().map(ClusterProfile::clusters), model.operators(),
                model.config().contextLength());
    }

    private Conversations.Turn begin(ChatMessageRequest request) throws InterruptedException {
        return conversations.begin(request.requireConversationId(), UserMessage.from(request.requireMessage()));
    }

    @ExceptionHandler
    ProblemDetail invalid(InvalidRequestException e) {
        return ProblemDetail.forStatusAndDetail(HttpStatus.BAD_REQUEST, e.getMessage());
    }

    @ExceptionHandler
    ProblemDetail unreadable(HttpMessageNotReadableException e) {
        return ProblemDetail.forStatusAndDetail(HttpStatus.BAD_REQUEST,
                "expected a JSON object with conversationId and message");
    }

    @ExceptionHandler
    ProblemDetail busy(ConversationBusyException e) {
        return ProblemDetail.forStatusAndDetail(HttpStatus.CONFLICT, e.getMessage());
    }

    /** There is no memory for keys and values at the moment. */
    @ExceptionHandler
    ProblemDetail full(RateLimitException e) {
        return ProblemDetail.forStatusAndDetail(HttpStatus.SERVICE_UNAVAILABLE, e.getMessage());
    }
}
