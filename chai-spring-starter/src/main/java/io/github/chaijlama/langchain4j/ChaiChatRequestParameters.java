// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.Objects;

import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import org.jspecify.annotations.Nullable;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.generate.Cancellation;

/** Parameters of a request with what only this project's models know. */
public final class ChaiChatRequestParameters extends DefaultChatRequestParameters {
    private final @Nullable Boolean enableThinking;
    private final @Nullable AttentionMode attention;
    private final @Nullable Long seed;
    private final @Nullable Boolean returnThinking;
    /** Belongs to one answer; it is no setting, and not compared. */
    private final @Nullable Cancellation cancellation;

    private ChaiChatRequestParameters(Builder builder) {
        super(builder);
        this.enableThinking = builder.enableThinking;
        this.attention = builder.attention;
        this.seed = builder.seed;
        this.returnThinking = builder.returnThinking;
        this.cancellation = builder.cancellation;
    }

    /** Returns parameters with what only this project's models know, none of which others have. */
    static ChaiChatRequestParameters of(ChatRequestParameters parameters) {
        return parameters instanceof ChaiChatRequestParameters own ? own
                : builder().overrideWith(parameters).build();
    }

    /** Returns what ends the answer to a request early; nobody knows of it if the request brought none. */
    static Cancellation cancellation(ChatRequest request) {
        return Objects.requireNonNullElseGet(of(request.parameters()).cancellation, Cancellation::new);
    }

    /**
     * Returns whether the model is to think before it answers, null for what its chat template does on its own. It
     * matters to templates that have a switch for it only.
     */
    public @Nullable Boolean enableThinking() {
        return enableThinking;
    }

    /** Returns the attention of the answer, null for that of the model's options. */
    public @Nullable AttentionMode attention() {
        return attention;
    }

    /** Returns where random choices start, null for the model's own seed, or a different one each time. */
    public @Nullable Long seed() {
        return seed;
    }

    /** Returns whether what the model thinks is returned, null for what the model's builder says. */
    public @Nullable Boolean returnThinking() {
        return returnThinking;
    }

    /** Returns what ends the answer early, null if nobody may want to. */
    public @Nullable Cancellation cancellation() {
        return cancellation;
    }

    @Override
    public ChaiChatRequestParameters overrideWith(ChatRequestParameters that) {
        return builder().overrideWith(this).overrideWith(that).build();
    }

    @Override
    public ChaiChatRequestParameters defaultedBy(ChatRequestParameters that) {
        return builder().overrideWith(that).overrideWith(this).build();
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return super.equals(other) && other instanceof ChaiChatRequestParameters that
                && Objects.equals(enableThinking, that.enableThinking) && attention == that.attention
                && Objects.equals(seed, that.seed) && Objects.equals(returnThinking, that.returnThinking);
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), enableThinking, attention, seed, returnThinking);
    }

    @Override
    public String toString() {
        return "ChaiChatRequestParameters{" + super.toString() + ", enableThinking=" + enableThinking + ", attention="
                + attention + ", seed=" + seed + ", returnThinking=" + returnThinking + "}";
    }

    /** Returns an empty builder. */
    public static Builder builder() {
        return new Builder();
    }

    /** Puts parameters together. */
    public static final class Builder extends DefaultChatRequestParameters.Builder<Builder> {
        private @Nullable Boolean enableThinking;
        private @Nullable AttentionMode attention;
        private @Nullable Long seed;
        private @Nullable Boolean returnThinking;
        private @Nullable Cancellation cancellation;

        /** Creates an empty builder. */
        public Builder() {}

        /** Sets whether the model is to think before it answers. */
        public Builder enableThinking(@Nullable Boolean enableThinking) {
            this.enableThinking = enableThinking;
            return this;
        }

        /** Sets the attention: exact, or clustered if the model was loaded with a profile. */
        public Builder attention(@Nullable AttentionMode attention) {
            this.attention = attention;
            return this;
        }

        /** Sets where random choices start; the same seed gives the same answer. */
        public Builder seed(@Nullable Long seed) {
            this.seed = seed;
            return this;
        }

        /** Sets whether what the model thinks is returned with this answer. */
        public Builder returnThinking(@Nullable Boolean returnThinking) {
            this.returnThinking = returnThinking;
            return this;
        }

        /**
         * Sets what ends the answer early, from any thread and from before its first word on; after that a streaming
         * model's handler is not called again.
         */
        public Builder cancellation(@Nullable Cancellation cancellation) {
            this.cancellation = cancellation;
            return this;
        }

        @Override
        public Builder overrideWith(ChatRequestParameters parameters) {
            super.overrideWith(parameters);
            if (parameters instanceof ChaiChatRequestParameters own) {
                enableThinking = own.enableThinking == null ? enableThinking : own.enableThinking;
                attention = own.attention == null ? attention : own.attention;
                seed = own.seed == null ? seed : own.seed;
                returnThinking = own.returnThinking == null ? returnThinking : own.returnThinking;
                cancellation = own.cancellation == null ? cancellation : own.cancellation;
            }
            return this;
        }

        @Override
        public ChaiChatRequestParameters build() {
            return new ChaiChatRequestParameters(this);
        }
    }
}
