// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.util.OptionalLong;

import dev.langchain4j.model.chat.response.ChatResponse;

import io.github.chaijlama.langchain4j.ChaiChatResponseMetadata;

/**
 * An answer and what it took.
 *
 * @param cachedPromptTokens     tokens of the prompt that were not calculated again
 * @param timeToFirstTokenMillis from the request to the first token
 * @param durationMillis         from the request to the end
 * @param exactKvCacheBytes      what exact attention would store of the same tokens, empty if that is not known
 * @param kvCacheBytes           keys and values stored at the end, empty if they are not known
 */
record ChatReply(String conversationId, String reply, String finishReason, String attention, int promptTokens,
        int generatedTokens, int cachedPromptTokens, long timeToFirstTokenMillis, long durationMillis,
        OptionalLong exactKvCacheBytes, OptionalLong kvCacheBytes) {

    static ChatReply of(String conversationId, ChatResponse response, ExactCacheSize exact) {
        ChaiChatResponseMetadata metadata = (ChaiChatResponseMetadata) response.metadata();
        int prompt = metadata.tokenUsage().inputTokenCount();
        int generated = metadata.tokenUsage().outputTokenCount();
        int stored = prompt + Math.max(0, generated - 1); // nothing follows the last one
        return new ChatReply(conversationId, response.aiMessage().text(), metadata.finishReason().name(),
                metadata.attention().name(), prompt, generated, metadata.cachedPromptTokens(),
                metadata.timeToFirstToken().toMillis(), metadata.duration().toMillis(), exact.bytes(stored),
                metadata.kvCacheBytes());
    }

    /** Returns this reply with other times. */
    ChatReply withTimes(long newTimeToFirstTokenMillis, long newDurationMillis) {
        return new ChatReply(conversationId, reply, finishReason, attention, promptTokens, generatedTokens,
                cachedPromptTokens, newTimeToFirstTokenMillis, newDurationMillis, exactKvCacheBytes, kvCacheBytes);
    }
}
