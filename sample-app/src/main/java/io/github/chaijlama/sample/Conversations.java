// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
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
import org.springframework.scheduling.annotation.Scheduled;

/**
 * The turns of this application's conversations. Messages of one conversation are answered one after another. A
 * conversation is kept whole; what the model is shown of it is a LangChain4j memory. Thread-safe.
 */
final class Conversations {
    /** More than anybody reads again. */
    private static final int MAX_MESSAGES = 1000;

    private final int memoryTokens;
    private final TokenCountEstimator tokens;
    private final ConversationStore store;
    private final Settings settings;
    /** Those that somebody waits or is answered in. */
    private final Map<ConversationKey, Conversation> active = new HashMap<>();

    /**
     * Creates an application's conversations.
     *
     * @param memoryTokens tokens that a question and what was said before it may have; the rest of the context is for
     *                     the answer
     */
    Conversations(int memoryTokens, TokenCountEstimator tokens, ConversationStore store, Settings settings) {
        this.memoryTokens = memoryTokens;
        this.tokens = tokens;
        this.store = store;
        this.settings = settings;
    }

    /**
     * How conversations are kept.
     *
     * @param store       File of an H2 database, without its ending; memory, to keep nothing; or a JDBC URL of
     *                    PostgreSQL or H2.
     * @param user        User of a database that is named by its URL.
     * @param password    Password of that user.
     * @param remembered  Most conversations that are remembered.
     * @param expireAfter How long a conversation is kept that nobody goes on with.
     * @param turnWait    How long a message waits for the one before it.
     */
    @ConfigurationProperties("sample.conversations")
    record Settings(@DefaultValue(ConversationDatabase.MEMORY) String store, @DefaultValue("") String user,
            @DefaultValue("") String password, @DefaultValue("1000") int remembered,
            @DefaultValue("30d") Duration expireAfter, @DefaultValue("10s") Duration turnWait) {}

    private static final class Conversation {
        private final Semaphore turn = new Semaphore(1, true);
        /** Requests that answer or wait; guarded by the map. */
        private int users;
        /** Guarded by this. */
        private boolean deleted;
    }

    /**
     * Begins a turn, in a new conversation if the key is not known. Waits for the turn that is running there.
     *
     * @param chatSettings those that are kept with the conversation if the turn is remembered
     * @throws ConversationBusyException if that one does not end in time
     */
    Turn begin(ConversationKey key, UserMessage question, ChatSettings chatSettings) throws InterruptedException {
        Conversation conversation = enter(key);
        boolean begun = false;
        try {
            if (!conversation.turn.tryAcquire(settings.turnWait().toNanos(), TimeUnit.NANOSECONDS)) {
                throw new ConversationBusyException();
            }
            try {
                Turn turn = new Turn(key, conversation, question, chatSettings);
                begun = true;
                return turn;
            } finally {
                if (!begun) {
                    conversation.turn.release();
                }
            }
        } finally {
            if (!begun) {
                leave(key, conversation);
            }
        }
    }

    private Conversation enter(ConversationKey key) {
        synchronized (active) {
            Conversation conversation = active.computeIfAbsent(key, unknown -> new Conversation());
            conversation.users++;
            return conversation;
        }
    }

    private void leave(ConversationKey key, Conversation conversation) {
        synchronized (active) {
            conversation.users--;
            if (conversation.users == 0) {
                active.remove(key, conversation);
            }
        }
    }

    /** Forgets what nobody has gone on with for too long, also when nobody chats. */
    @Scheduled(fixedDelay = 1, timeUnit = TimeUnit.HOURS)
    void forgetOld() {
        store.forgetOld(settings.remembered());
    }

    /** Returns how many conversations somebody waits or is answered in. */
    int active() {
        synchronized (active) {
            return active.size();
        }
    }

    /** Returns what the model is shown when a question is asked next, without waiting for anything. */
    List<ChatMessage> request(ConversationKey key, UserMessage question) {
        return memory(key, store.getMessages(key), question).messages();
    }

    /** Returns what the model is still shown of a conversation: whole turns, the last ones. */
    List<ChatMessage> remembered(ConversationKey key) {
        List<ChatMessage> messages = request(key, UserMessage.from("?"));
        return messages.subList(0, messages.size() - 1);
    }

    private TurnWindowChatMemory memory(ConversationKey key, List<ChatMessage> history, UserMessage question) {
        TurnWindowChatMemory memory = new TurnWindowChatMemory(key, memoryTokens, tokens, recent(history));
        memory.add(question);
        return memory;
    }

    /** Returns the end of a history that is certainly enough, so that a long one is not counted again and again. */
    private List<ChatMessage> recent(List<ChatMessage> history) {
        int sum = 0;
        int first = history.size();
        for (int i = history.size() - 1; i >= 0 && sum <= 2 * memoryTokens; i--) {
            sum += tokens.estimateTokenCountInMessage(history.get(i));
            if (history.get(i) instanceof UserMessage) {
                first = i;
            }
        }
        return history.subList(first, history.size());
    }

    /** Deletes a conversation; an answer that is on its way does not bring it back. */
    void delete(ConversationKey key) {
        Conversation running;
        synchronized (active) {
            Conversation found = active.remove(key);
            running = found == null ? new Conversation() : found;
        }
        synchronized (running) {
            running.deleted = true;
            store.deleteMessages(key);
        }
    }

    /**
     * A question on its way to its answer. What it says is remembered together with the answer or not at all.
     * Thread-safe: whoever ends the turn first decides.
     */
    final class Turn implements AutoCloseable {
        private final ConversationKey key;
        private final Conversation conversation;
        private final UserMessage question;
        private final ChatSettings chatSettings;
        private final List<ChatMessage> history;
        private final List<ChatMessage> messages;
        private final AtomicBoolean ended = new AtomicBoolean();

        private Turn(ConversationKey key, Conversation conversation, UserMessage question, ChatSettings chatSettings) {
            this.key = key;
            this.conversation = conversation;
            this.question = question;
            this.chatSettings = chatSettings;
            history = store.getMessages(key);
            messages = memory(key, history, question).messages();
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
                List<ChatMessage> all = new ArrayList<>(history);
                all.add(question);
                all.add(answer);
                keep(all.subList(Math.max(0, all.size() - MAX_MESSAGES), all.size()));
            } finally {
                end();
            }
            return true;
        }

        private void keep(List<ChatMessage> all) {
            synchronized (conversation) {
                if (conversation.deleted) {
                    return;
                }
                store.update(key, chatSettings, all);
            }
            forgetOld();
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
            leave(key, conversation);
        }
    }
}
