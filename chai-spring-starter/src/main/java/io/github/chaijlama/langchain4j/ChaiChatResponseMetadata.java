// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.time.Duration;
import java.util.Objects;
import java.util.OptionalLong;

import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import org.jspecify.annotations.Nullable;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.schedule.AnswerSteps;

/** What is known of an answer beside its text. */
public final class ChaiChatResponseMetadata extends ChatResponseMetadata {
    private final AttentionMode attention;
    private final Duration timeToFirstToken;
    private final Duration duration;
    private final OptionalLong kvCacheBytes;
    private final int cachedPromptTokens;
    private final AnswerSteps counts;

    private ChaiChatResponseMetadata(Builder builder) {
        super(builder);
        this.attention = Objects.requireNonNull(builder.attention, "attention");
        this.timeToFirstToken = Objects.requireNonNull(builder.timeToFirstToken, "timeToFirstToken");
        this.duration = Objects.requireNonNull(builder.duration, "duration");
        this.kvCacheBytes = builder.kvCacheBytes;
        this.cachedPromptTokens = builder.cachedPromptTokens;
        this.counts = builder.counts;
    }

    /** Returns the attention that computed the answer. */
    public AttentionMode attention() {
        return attention;
    }

    /** Returns the time from the start to the first token. */
    public Duration timeToFirstToken() {
        return timeToFirstToken;
    }

    /** Returns the time from the start to the end. */
    public Duration duration() {
        return duration;
    }

    /** Returns the bytes of keys and values stored at the end, empty if Jlama's own attention keeps them. */
    public OptionalLong kvCacheBytes() {
        return kvCacheBytes;
    }

    /**
     * Returns the tokens of the prompt whose keys and values an earlier request had left, so that they were not
     * calculated again. The token usage counts them all the same.
     */
    public int cachedPromptTokens() {
        return cachedPromptTokens;
    }

    /**
     * Returns how many steps the answer took, and how many of its tokens were guessed: fewer steps than tokens of the
     * answer where a schema left no choice or guesses were right.
     */
    public AnswerSteps counts() {
        return counts;
    }

    @Override
    public Builder toBuilder() {
        Builder builder = builder().attention(attention).timeToFirstToken(timeToFirstToken).duration(duration)
                .kvCacheBytes(kvCacheBytes).cachedPromptTokens(cachedPromptTokens).counts(counts);
        super.toBuilder(builder);
        return builder;
    }

    /** Returns an empty builder. */
    public static Builder builder() {
        return new Builder();
    }

    /** Puts metadata together; attention and both durations are needed. */
    public static final class Builder extends ChatResponseMetadata.Builder<Builder> {
        private @Nullable AttentionMode attention;
        private @Nullable Duration timeToFirstToken;
        private @Nullable Duration duration;
        private OptionalLong kvCacheBytes = OptionalLong.empty();
        private int cachedPromptTokens;
        private AnswerSteps counts = AnswerSteps.NONE;

        /** Sets the attention that computed the answer. */
        public Builder attention(AttentionMode attention) {
            this.attention = attention;
            return this;
        }

        /** Sets the time from the start to the first token. */
        public Builder timeToFirstToken(Duration timeToFirstToken) {
            this.timeToFirstToken = timeToFirstToken;
            return this;
        }

        /** Sets the time from the start to the end. */
        public Builder duration(Duration duration) {
            this.duration = duration;
            return this;
        }

        /** Sets the bytes of keys and values stored at the end, empty if they are not known. */
        public Builder kvCacheBytes(OptionalLong kvCacheBytes) {
            this.kvCacheBytes = kvCacheBytes;
            return this;
        }

        /** Sets the tokens of the prompt that were not calculated again. */
        public Builder cachedPromptTokens(int cachedPromptTokens) {
            this.cachedPromptTokens = cachedPromptTokens;
            return this;
        }

        /** Sets how many steps the answer took. */
        public Builder counts(AnswerSteps counts) {
            this.counts = counts;
            return this;
        }

        @Override
        public ChaiChatResponseMetadata build() {
            return new ChaiChatResponseMetadata(this);
        }
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return super.equals(other) && other instanceof ChaiChatResponseMetadata that && attention == that.attention
                && Objects.equals(timeToFirstToken, that.timeToFirstToken) && Objects.equals(duration, that.duration)
                && kvCacheBytes.equals(that.kvCacheBytes) && cachedPromptTokens == that.cachedPromptTokens
                && counts.equals(that.counts);
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), attention, timeToFirstToken, duration, kvCacheBytes,
                cachedPromptTokens, counts);
    }

    @Override
    public String toString() {
        return "ChaiChatResponseMetadata[id=" + id() + ", modelName=" + modelName() + ", tokenUsage=" + tokenUsage()
                + ", finishReason=" + finishReason() + ", attention=" + attention + ", timeToFirstToken="
                + timeToFirstToken + ", duration=" + duration + ", kvCacheBytes=" + kvCacheBytes
                + ", cachedPromptTokens=" + cachedPromptTokens + ", counts=" + counts + "]";
    }
}
