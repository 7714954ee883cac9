// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import jakarta.servlet.http.HttpServletRequest;
import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.TokenModel;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.schedule.Scheduler;

/** The chat over HTTP, blocking and as server-sent events. */
@RestController
@RequestMapping("/api")
class ChatController {
    static final Duration STREAM_TIMEOUT = Duration.ofMinutes(10);

    private final ChatModel chatModel;
    private final StreamingChatModel streamingChatModel;
    private final Conversations conversations;
    private final ChaiEngine engine;
    private final ExactCacheSize exactCacheSize;

    ChatController(ChatModel chatModel, StreamingChatModel streamingChatModel, Conversations conversations,
            ChaiEngine engine) {
        this.chatModel = chatModel;
        this.streamingChatModel = streamingChatModel;
        this.conversations = conversations;
        this.engine = engine;
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

    /**
     * What answers here.
     *
     * @param clusters   those of each layer, if its attention has any
     * @param canCluster whether a conversation can choose between clustered and exact attention
     */
    record Info(String model, long parameters, String attention, Optional<List<Integer>> clusters, boolean canCluster,
            String operators, int contextLength) {}

    @GetMapping("/info")
    Info info() {
        TokenModel model = engine.textModel().tokenModel();
        return new Info(engine.modelName(), model.numberOfParameters(), model.options().attention().name(),
                model.options().profile().map(ClusterProfile::clusters), model.options().profile().isPresent(),
                model.operators(), model.config().contextLength());
    }

    /**
     * What the model is doing now.
     *
     * @param running      requests that share its steps
     * @param waiting      requests that wait for that
     * @param kvCacheBytes memory held for keys and values, those included that are kept for later requests
     * @param kvCacheLimit the budget for them
     */
    record Figures(int running, int waiting, long kvCacheBytes, long kvCacheLimit) {}

    /** Jlama's own attention knows none of this. */
    @GetMapping("/figures")
    Optional<Figures> figures() {
        TextModel model = engine.textModel();
        if (model.tokenModel().options().attention() == AttentionMode.STOCK) {
            return Optional.empty();
        }
        return Optional.of(new Figures(model.scheduler().map(Scheduler::running).orElse(0),
                model.scheduler().map(Scheduler::waiting).orElse(0), model.model().kvCacheAllocatedBytes(),
                model.tokenModel().options().kvCacheMaxBytes()));
    }
}
