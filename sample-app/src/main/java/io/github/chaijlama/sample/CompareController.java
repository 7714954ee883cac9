// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.model.chat.StreamingChatModel;
import jakarta.servlet.http.HttpServletRequest;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.langchain4j.ChaiEngine;

/** One question, exact and clustered. */
@RestController
class CompareController {
    private final StreamingChatModel model;
    private final Conversations conversations;
    private final ChaiEngine engine;
    private final BackgroundRuns background;
    private final ExactCacheSize exactCacheSize;

    CompareController(StreamingChatModel model, Conversations conversations, ChaiEngine engine,
            BackgroundRuns background) {
        this.model = model;
        this.conversations = conversations;
        this.engine = engine;
        this.background = background;
        this.exactCacheSize = ExactCacheSize.of(engine.textModel().tokenModel());
    }

    /**
     * Compares: events {@code token} with {@code {"attention", "text"}}, {@code side} when the first answer of a side
     * is there, then {@code done} with both, or {@code error}. Nothing of it is remembered. Where tokens are chosen at
     * random, both sides start from the same seed, so that only attention makes a difference.
     */
    @PostMapping("/api/compare")
    SseEmitter compare(@RequestBody ChatController.ChatMessageRequest message, HttpServletRequest http) {
        if (engine.textModel().tokenModel().options().profile().isEmpty()) {
            throw new InvalidRequestException("this model was started without a cluster profile: there is nothing to "
                    + "compare");
        }
        ConversationKey key = new ConversationKey(Browser.owner(http), message.requireConversationId());
        List<ChatMessage> messages = conversations.request(key, UserMessage.from(message.requireMessage()));
        ChatSettings settings = message.settingsOrNone().withSeedIfRandom(ThreadLocalRandom.current().nextInt());
        settings.withAttention(AttentionMode.EXACT).parameters(); // refused now, if it is impossible
        SseEmitter emitter = new SseEmitter(ChatController.STREAM_TIMEOUT.toMillis());
        Comparison comparison = new Comparison(model, engine.textModel()::closeIdleSequences,
                response -> ChatReply.of(key.id(), response, exactCacheSize), emitter);
        background.run(() -> comparison.run(messages, settings));
        return emitter;
    }
}
