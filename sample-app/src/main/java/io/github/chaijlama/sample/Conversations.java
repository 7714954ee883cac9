// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Semaphore;

import dev.langchain4j.memory.ChatMemory;
import dev.langchain4j.memory.chat.TokenWindowChatMemory;
import dev.langchain4j.model.TokenCountEstimator;
import org.springframework.stereotype.Component;

import io.github.chaijlama.langchain4j.ChaiEngine;

/** The conversations of this application, each with its own LangChain4j memory. The ones used longest ago are forgotten. */
@Component
class Conversations {
    private static final int REMEMBERED = 1000;
    /** The share of the context that memory may fill; the rest is for the new message and its answer. */
    private static final double MEMORY_SHARE = 0.6;

    private final TokenCountEstimator tokens;
    private final int memoryTokens;
    private final Map<String, Conversation> conversations = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Conversation> eldest) {
            return size() > REMEMBERED;
        }
    };

    Conversations(ChaiEngine engine, TokenCountEstimator tokens) {
        this.tokens = tokens;
        this.memoryTokens = (int) (engine.textModel().model().config().contextLength() * MEMORY_SHARE);
    }

    /**
     * A conversation.
     *
     * @param memory what was said
     * @param turn   held by the request that is being answered: messages of one conversation are answered one after another
     */
    record Conversation(ChatMemory memory, Semaphore turn) {}

    /** Returns a conversation, a new one if its id is not known. */
    Conversation get(String id) {
        synchronized (conversations) {
            return conversations.computeIfAbsent(id, unknown -> new Conversation(
                    TokenWindowChatMemory.builder().id(id).maxTokens(memoryTokens, tokens).build(),
                    new Semaphore(1, true)));
        }
    }
}
