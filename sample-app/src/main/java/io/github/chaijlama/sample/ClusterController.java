// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.RateLimitException;
import jakarta.servlet.http.HttpServletRequest;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

import io.github.chaijlama.generate.ChatMessage;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.kv.KvCacheFullException;
import io.github.chaijlama.langchain4j.ChaiEngine;

/** The clusters of conversations. */
@RestController
class ClusterController {
    private final Conversations conversations;
    private final ChaiEngine engine;
    private final BackgroundRuns background;

    ClusterController(Conversations conversations, ChaiEngine engine, BackgroundRuns background) {
        this.conversations = conversations;
        this.engine = engine;
        this.background = background;
    }

    /** Draws a conversation as far as the model is still shown it; off the path of requests. */
    @GetMapping("/api/conversations/{id}/clusters")
    CompletableFuture<ClusterPicture> clusters(@PathVariable String id, HttpServletRequest request) {
        if (engine.textModel().tokenModel().options().profile().isEmpty()) {
            throw new InvalidRequestException("this model was started without a cluster profile: there are no "
                    + "clusters to show");
        }
        List<ChatMessage> messages = conversations.remembered(new ConversationKey(Browser.owner(request), id))
                .stream().flatMap(message -> switch (message) {
                    case UserMessage user -> List.of(ChatMessage.user(user.singleText())).stream();
                    case AiMessage answer -> List.of(ChatMessage.assistant(answer.text())).stream();
                    default -> List.<ChatMessage>of().stream();
                }).toList();
        if (messages.isEmpty()) {
            throw new InvalidRequestException("nothing has been said in this conversation yet: ask something, and its "
                    + "clusters are here");
        }
        CompletableFuture<ClusterPicture> picture = new CompletableFuture<>();
        background.run(() -> {
            try {
                picture.complete(draw(messages));
            } catch (KvCacheFullException e) {
                picture.completeExceptionally(new RateLimitException(e.getMessage(), e));
            } catch (RuntimeException | Error e) {
                picture.completeExceptionally(e);
            }
        });
        return picture;
    }

    private ClusterPicture draw(List<ChatMessage> messages) {
        TextModel model = engine.textModel();
        int[] conversation = model.conversation(messages);
        int[] prompt = model.chatPrompt(messages.subList(0, messages.size() - 1));
        int different = Arrays.mismatch(prompt, conversation);
        return ClusterPicture.of(model.model(), conversation, different < 0 ? prompt.length : different);
    }
}
