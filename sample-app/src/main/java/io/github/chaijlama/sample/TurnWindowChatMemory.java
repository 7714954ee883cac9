// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.util.ArrayList;
import java.util.List;

import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.memory.ChatMemory;
import dev.langchain4j.model.TokenCountEstimator;

/**
 * A memory that holds at most a number of tokens and forgets whole turns, the oldest first: a question goes together
 * with its answer, so what is left never begins with an answer. (LangChain4j's TokenWindowChatMemory forgets single
 * messages.) The system message and the last question stay, however long they are. Not thread-safe.
 */
final class TurnWindowChatMemory implements ChatMemory {
    private final Object id;
    private final int maxTokens;
    private final TokenCountEstimator tokens;
    private final List<ChatMessage> messages;

    TurnWindowChatMemory(Object id, int maxTokens, TokenCountEstimator tokens) {
        this(id, maxTokens, tokens, List.of());
    }

    /**
     * Creates a memory of a conversation.
     *
     * @param messages what was said in it so far
     */
    TurnWindowChatMemory(Object id, int maxTokens, TokenCountEstimator tokens, List<ChatMessage> messages) {
        this.id = id;
        this.maxTokens = maxTokens;
        this.tokens = tokens;
        this.messages = new ArrayList<>(messages);
    }

    @Override
    public Object id() {
        return id;
    }

    @Override
    public void add(ChatMessage message) {
        if (message instanceof SystemMessage) {
            messages.removeIf(SystemMessage.class::isInstance);
            messages.addFirst(message);
        } else {
            messages.add(message);
        }
        // Only a question is followed by a request, which has to fit.
        if (message instanceof UserMessage) {
            forgetOldTurns();
        }
    }

    private void forgetOldTurns() {
        int first = messages.getFirst() instanceof SystemMessage ? 1 : 0;
        while (tokens.estimateTokenCountInMessages(messages) > maxTokens) {
            int next = first + 1;
            while (next < messages.size() && !(messages.get(next) instanceof UserMessage)) {
                next++;
            }
            if (next == messages.size()) {
                return;
            }
            messages.subList(first, next).clear();
        }
    }

    @Override
    public List<ChatMessage> messages() {
        return List.copyOf(messages);
    }

    @Override
    public void clear() {
        messages.clear();
    }
}
