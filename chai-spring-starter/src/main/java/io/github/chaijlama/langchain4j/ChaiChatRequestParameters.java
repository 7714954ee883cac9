// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.Objects;

import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import org.jspecify.annotations.Nullable;

/** Parameters of a request with what only this project's models know. */
public final class ChaiChatRequestParameters extends DefaultChatRequestParameters {
    private final @Nullable Boolean enableThinking;

    private ChaiChatRequestParameters(Builder builder) {
        super(builder);
        this.enableThinking = builder.enableThinking;
    }

    /**
     * Returns whether the model is to think before it answers, null for what its chat template does on its own. It
     * matters to templates that have a switch for it only.
     */
    public @Nullable Boolean enableThinking() {
        return enableThinking;
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
                && Objects.equals(enableThinking, that.enableThinking);
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), enableThinking);
    }

    @Override
    public String toString() {
        return "ChaiChatRequestParameters{" + super.toString() + ", enableThinking=" + enableThinking + "}";
    }

    /** Returns an empty builder. */
    public static Builder builder() {
        return new Builder();
    }

    /** Puts parameters together. */
    public static final class Builder extends DefaultChatRequestParameters.Builder<Builder> {
        private @Nullable Boolean enableThinking;

        /** Creates an empty builder. */
        public Builder() {}

        /** Sets whether the model is to think before it answers. */
        public Builder enableThinking(@Nullable Boolean enableThinking) {
            this.enableThinking = enableThinking;
            return this;
        }

        @Override
        public Builder overrideWith(ChatRequestParameters parameters) {
            super.overrideWith(parameters);
            if (parameters instanceof ChaiChatRequestParameters own && own.enableThinking != null) {
                enableThinking = own.enableThinking;
            }
            return this;
        }

        @Override
        public ChaiChatRequestParameters build() {
            return new ChaiChatRequestParameters(this);
        }
    }
}
