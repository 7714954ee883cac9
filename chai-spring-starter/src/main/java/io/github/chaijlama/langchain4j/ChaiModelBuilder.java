// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.List;

/**
 * The settings that all LangChain4j models of this project share. What is not set, or set to null, stays the model's default. Those
 * of a chat model hold for requests that say nothing themselves; LangChain4j's language models take a text and nothing else, so for them
 * they hold always.
 *
 * @param <B> the builder itself
 */
public abstract sealed class ChaiModelBuilder<B extends ChaiModelBuilder<B>>
        permits ChaiChatModelBuilder, ChaiLanguageModel.Builder, ChaiStreamingLanguageModel.Builder {
    ChaiEngine engine;
    Double temperature;
    Double topP;
    Integer topK;
    Double frequencyPenalty;
    Double presencePenalty;
    Integer maxOutputTokens;
    List<String> stopSequences;
    Long seed;

    ChaiModelBuilder() {}

    abstract B self();

    /** Sets the engine, which stays open when the model is no longer used. */
    public B engine(ChaiEngine engine) {
        this.engine = engine;
        return self();
    }

    /** Sets the temperature; 0, the default, takes the most likely token always. */
    public B temperature(Double temperature) {
        this.temperature = temperature;
        return self();
    }

    /** Sets topP; the default is 1, all tokens. */
    public B topP(Double topP) {
        this.topP = topP;
        return self();
    }

    /** Sets topK; the default is all tokens. */
    public B topK(Integer topK) {
        this.topK = topK;
        return self();
    }

    /** Sets what the logit of a token loses for each time it came in the answer, -2 to 2; the default is 0. */
    public B frequencyPenalty(Double frequencyPenalty) {
        this.frequencyPenalty = frequencyPenalty;
        return self();
    }

    /** Sets what the logit of a token loses if it came in the answer, -2 to 2; the default is 0. */
    public B presencePenalty(Double presencePenalty) {
        this.presencePenalty = presencePenalty;
        return self();
    }

    /** Sets the most tokens of an answer; the default is what the context holds. */
    public B maxOutputTokens(Integer maxOutputTokens) {
        this.maxOutputTokens = maxOutputTokens;
        return self();
    }

    /** Sets texts that end an answer and are not part of it. */
    public B stopSequences(List<String> stopSequences) {
        this.stopSequences = stopSequences == null ? null : List.copyOf(stopSequences);
        return self();
    }

    /** Sets the seed of random choices: the same seed gives the same answer. LangChain4j's requests have no place for it. */
    public B seed(Long seed) {
        this.seed = seed;
        return self();
    }
}
