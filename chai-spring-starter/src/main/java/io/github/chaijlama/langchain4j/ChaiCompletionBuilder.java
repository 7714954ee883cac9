// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.List;

/**
 * The settings that the blocking and the streaming language model share: LangChain4j's language models take a text and nothing
 * else, so these hold for every text. What is not set stays the model's default.
 *
 * @param <B> the builder itself
 */
public abstract sealed class ChaiCompletionBuilder<B extends ChaiCompletionBuilder<B>>
        permits ChaiLanguageModel.Builder, ChaiStreamingLanguageModel.Builder {
    ChaiEngine engine;
    double temperature;
    double topP = 1;
    Integer topK;
    Integer maxOutputTokens;
    List<String> stopSequences = List.of();
    Long seed;

    ChaiCompletionBuilder() {}

    abstract B self();

    /** Sets the engine, which stays open when the model is no longer used. */
    public B engine(ChaiEngine engine) {
        this.engine = engine;
        return self();
    }

    /** Sets the temperature; 0, the default, takes the most likely token always. */
    public B temperature(Double temperature) {
        this.temperature = temperature == null ? 0 : temperature;
        return self();
    }

    /** Sets topP; the default is 1, all tokens. */
    public B topP(Double topP) {
        this.topP = topP == null ? 1 : topP;
        return self();
    }

    /** Sets topK; the default is all tokens. */
    public B topK(Integer topK) {
        this.topK = topK;
        return self();
    }

    /** Sets the most tokens of a continuation; the default is what the context holds. */
    public B maxOutputTokens(Integer maxOutputTokens) {
        this.maxOutputTokens = maxOutputTokens;
        return self();
    }

    /** Sets texts that end a continuation and are not part of it. */
    public B stopSequences(List<String> stopSequences) {
        this.stopSequences = stopSequences == null ? List.of() : List.copyOf(stopSequences);
        return self();
    }

    /** Sets the seed of random choices: the same seed gives the same continuation. */
    public B seed(Long seed) {
        this.seed = seed;
        return self();
    }
}
