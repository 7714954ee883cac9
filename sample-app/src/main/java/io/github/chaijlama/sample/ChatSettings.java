// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.util.Objects;

import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.langchain4j.ChaiChatRequestParameters;

/**
 * How the messages of a conversation are answered; what is absent is up to the model.
 *
 * @param attention   {@code EXACT} or {@code CLUSTERED}
 * @param temperature 0 for the most likely token always
 * @param topP        above 0, at most 1
 * @param maxTokens   the most tokens of an answer
 * @param seed        where random choices start
 */
record ChatSettings(@Nullable AttentionMode attention, @Nullable Double temperature, @Nullable Double topP,
        @Nullable Integer maxTokens, @Nullable Long seed) {
    static final ChatSettings NONE = new ChatSettings(null, null, null, null, null);

    private static final JsonMapper MAPPER = JsonMapper.shared();

    /**
     * Returns the parameters of a request.
     *
     * @throws InvalidRequestException if one is impossible; those of sampling the model checks itself
     */
    ChatRequestParameters parameters() {
        if (attention == AttentionMode.STOCK) {
            throw new InvalidRequestException("the attention of a conversation is EXACT or CLUSTERED, found STOCK");
        }
        if (maxTokens != null && maxTokens < 1) {
            throw new InvalidRequestException("maxTokens must be at least 1, found " + maxTokens);
        }
        return ChaiChatRequestParameters.builder().attention(attention).temperature(temperature).topP(topP)
                .maxOutputTokens(maxTokens).seed(seed).build();
    }

    /** Returns these settings with another attention. */
    ChatSettings withAttention(AttentionMode newAttention) {
        return new ChatSettings(newAttention, temperature, topP, maxTokens, seed);
    }

    /** Returns these settings with a seed, if they have none and choose at random. */
    ChatSettings withSeedIfRandom(long newSeed) {
        boolean needsSeed = seed == null && Objects.requireNonNullElse(temperature, 0.0) > 0;
        return needsSeed ? new ChatSettings(attention, temperature, topP, maxTokens, Long.valueOf(newSeed)) : this;
    }

    String toJson() {
        return MAPPER.writeValueAsString(this);
    }

    static ChatSettings ofJson(String json) {
        return MAPPER.readValue(json, ChatSettings.class);
    }
}
