// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.util.List;
import java.util.Optional;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.UserMessage;
import jakarta.servlet.http.HttpServletRequest;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** A browser's conversations: what it sees again after a restart. */
@RestController
@RequestMapping("/api/conversations")
class ConversationController {
    private final ConversationStore store;
    private final Conversations conversations;
    private final Conversations.Settings settings;
    private final ConversationDatabase database;

    ConversationController(ConversationStore store, Conversations conversations, Conversations.Settings settings,
            ConversationDatabase database) {
        this.store = store;
        this.conversations = conversations;
        this.settings = settings;
        this.database = database;
    }

    /**
     * A browser's conversations.
     *
     * @param notice        why they are not kept, if so
     * @param expiresInDays how long they are kept otherwise
     */
    record ConversationList(List<ConversationStore.Summary> conversations, Optional<String> notice,
            long expiresInDays) {}

    /**
     * A message as the page shows it.
     *
     * @param role {@code user} or {@code model}
     */
    record Message(String role, String text) {}

    /** A conversation as the page shows it. */
    record Conversation(String id, String title, ChatSettings settings, List<Message> messages) {}

    /** Lists conversations, and gives a browser the name by which it finds them again. */
    @GetMapping
    ResponseEntity<ConversationList> list(HttpServletRequest request) {
        String name = Browser.name(request).orElseGet(Browser::newName);
        return ResponseEntity.ok()
                .header(HttpHeaders.SET_COOKIE, Browser.cookie(name, request, settings.expireAfter()).toString())
                .body(new ConversationList(store.conversations(Browser.digest(name)), database.notice(),
                        settings.expireAfter().toDays()));
    }

    @GetMapping("/{id}")
    ResponseEntity<Conversation> get(@PathVariable String id, HttpServletRequest request) {
        return ResponseEntity.of(store.conversation(new ConversationKey(Browser.owner(request), id)).map(
                stored -> new Conversation(id, stored.title(), stored.settings(), stored.messages().stream()
                        .flatMap(message -> shown(message).stream()).toList())));
    }

    private static Optional<Message> shown(ChatMessage message) {
        return switch (message) {
            case UserMessage user -> Optional.of(new Message("user", user.singleText()));
            case AiMessage model -> Optional.of(new Message("model", model.text()));
            default -> Optional.empty();
        };
    }

    /** Deletes a conversation; it is no error if there is none. */
    @DeleteMapping("/{id}")
    ResponseEntity<Void> delete(@PathVariable String id, HttpServletRequest request) {
        conversations.delete(new ConversationKey(Browser.owner(request), id));
        return ResponseEntity.noContent().build();
    }
}
