// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.TokenCountEstimator;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The conversations of this application, each with its own LangChain4j memory. Messages of one conversation are
 * answered one after another. The conversations used longest ago are forgotten, but none that somebody waits in.
 * Thread-safe.
 */
final class Conversations {
    private final int memoryTokens;
    private final TokenCountEstimator tokens;
    private final Settings settings;
    /** The one used longest ago comes first. */
    private final Map<String, Conversation> conversations = new LinkedHashMap<>(16, 0.75f, true);

    /**
     * Creates an application's conversations.
     *
     * @param memoryTokens tokens that a question and what was said before it may have; the rest of the context is for
     *                     the answer
     */
    Conversations(int memoryTokens, TokenCountEstimator tokens, Settings settings) {
        this.memoryTokens = memoryTokens;
        this.tokens = tokens;
        this.settings = settings;
    }

    /**
     * How conversations are kept.
     *
     * @param remembered conversations that are remembered
     * @param turnWait   how long a message waits for the one before it
     */
    @ConfigurationProperties("sample.conversations")
    record Settings(@DefaultValue("1000") int remembered, @DefaultValue("10s") Duration turnWait) {}

    private static final class Conversation {
        private final Semaphore turn = new Semaphore(1, true);
        /** Requests that answer or wait; guarded by the map. */
        private int users;
        private volatile TurnWindowChatMemory memory;

        Conversation(TurnWindowChatMemory memory) {
            this.memory = memory;
        }
    }

    /**
     * Begins a turn, in a new conversation if the id is not known. Waits for the turn that is running there.
     *
     * @throws ConversationBusyException if that one does not end in time
     */
    Turn begin(String id, UserMessage question) throws InterruptedException {
        Conversation conversation = enter(id);
        boolean begun = false;
        try {
            if (!conversation.turn.tryAcquire(settings.turnWait().toNanos(), TimeUnit.NANOSECONDS)) {
                throw new ConversationBusyException();
            }
            try {
                Turn turn = new Turn(conversation, question);
                begun = true;
                return turn;
            } finally {
                if (!begun) {
                    conversation.turn.release();
                }
            }
        } finally {
            if (!begun) {
                leave(conversation);
            }
        }
    }

    private Conversation enter(String id) {
        synchronized (conversations) {
            Conversation conversation = conversations.computeIfAbsent(id,
                    unknown -> new Conversation(new TurnWindowChatMemory(id, memoryTokens, tokens)));
            conversation.users++;
            forgetOldConversations();
            return conversation;
        }
    }

    private void leave(Conversation conversation) {
        synchronized (conversations) {
            conversation.users--;
            forgetOldConversations();
        }
    }

    private void forgetOldConversations() {
        Iterator<Conversation> oldest = conversations.values().iterator();
        while (conversations.size() > settings.remembered() && oldest.hasNext()) {
            if (oldest.next().users == 0) {
                oldest.remove();
            }
        }
    }

    /** Returns how many conversations are remembered. */
    int size() {
        synchronized (conversations) {
            return conversations.size();
        }
    }

    /**
     * A question on its way to its answer. What it says is remembered together with the answer or not at all.
     * Thread-safe: whoever ends the turn first decides.
     */
    final class Turn implements AutoCloseable {
        private final Conversation conversation;
        private final TurnWindowChatMemory memory;
        private final List<ChatMessage> messages;
        private final AtomicBoolean ended = new AtomicBoolean();

        private Turn(Conversation conversation, UserMessage question) {
            this.conversation = conversation;
            memory = conversation.memory.copy();
            memory.add(question);
            messages = memory.messages();
        }

        /** Returns the request: what the conversation remembers, and the question. */
        List<ChatMessage> messages() {
            return messages;
        }

        /** Remembers question and answer and ends the turn, unless it has ended; returns whether it did. */
        boolean remember(AiMessage answer) {
            if (!ended.compareAndSet(false, true)) {
                return false;
            }
            try {
                memory.add(answer);
                conversation.memory = memory;
            } finally {
                end();
            }
            return true;
        }

        /** Ends the turn without remembering anything, unless it has ended. */
        @Override
        public void close() {
            if (ended.compareAndSet(false, true)) {
                end();
            }
        }

        private void end() {
            conversation.turn.release();
            leave(conversation);
        }
    }
}
