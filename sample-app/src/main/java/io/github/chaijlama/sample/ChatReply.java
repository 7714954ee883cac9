// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.util.OptionalLong;

import dev.langchain4j.model.chat.response.ChatResponse;

import io.github.chaijlama.langchain4j.ChaiChatResponseMetadata;

/**
 * An answer and what it took.
 *
 * @param timeToFirstTokenMillis from the request to the first token
 * @param durationMillis         from the request to the end
 * @param kvCacheBytes           keys and values stored at the end, empty if they are not known
 */
record ChatReply(String conversationId, String reply, String finishReason, String attention, int promptTokens,
        int generatedTokens, long timeToFirstTokenMillis, long durationMillis, OptionalLong kvCacheBytes) {

    static ChatReply of(String conversationId, ChatResponse response) {
        ChaiChatResponseMetadata metadata = (ChaiChatResponseMetadata) response.metadata();
        return new ChatReply(conversationId, response.aiMessage().text(), metadata.finishReason().name(),
                metadata.attention().name(), metadata.tokenUsage().inputTokenCount(),
                metadata.tokenUsage().outputTokenCount(), metadata.timeToFirstToken().toMillis(),
                metadata.duration().toMillis(), metadata.kvCacheBytes());
    }
}
