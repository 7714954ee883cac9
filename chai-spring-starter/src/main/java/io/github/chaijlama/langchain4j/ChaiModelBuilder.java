// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;

import io.github.chaijlama.ChaiOptions;

/**
 * The settings that all LangChain4j models of this project share. What is not set, or taken away again, is what the
 * model's generation_config.json says ({@link io.github.chaijlama.generate.GenerationConfig}), and the default named
 * here where it says nothing. Those of a chat model hold for requests that say nothing themselves; LangChain4j's
 * language models take a text and nothing else, so for them they hold always.
 *
 * @param <B> the builder itself
 */
public abstract sealed class ChaiModelBuilder<B extends ChaiModelBuilder<B>>
        permits ChaiChatModelBuilder, ChaiLanguageModel.Builder, ChaiStreamingLanguageModel.Builder {
    private @Nullable ChaiEngine engine;
    private @Nullable Path modelDirectory;
    private ChaiOptions options = ChaiOptions.exact();
    @Nullable Double temperature;
    @Nullable Double topP;
    @Nullable Integer topK;
    @Nullable Double frequencyPenalty;
    @Nullable Double presencePenalty;
    @Nullable Double repetitionPenalty;
    @Nullable Integer maxOutputTokens;
    @Nullable List<String> stopSequences;
    @Nullable Long seed;
    boolean guess;

    ChaiModelBuilder() {}

    abstract B self();

    /** Puts the model together; an engine loaded for it is closed if that fails. */
    <M> M build(Function<EngineHold, M> constructor) {
        EngineHold hold = hold();
        try {
            return constructor.apply(hold);
        } catch (RuntimeException | Error e) {
            hold.close();
            throw e;
        }
    }

    private EngineHold hold() {
        if (engine != null && modelDirectory == null) {
            return EngineHold.shared(engine);
        }
        if (engine == null && modelDirectory != null) {
            Path name = modelDirectory.toAbsolutePath().normalize().getFileName();
            return EngineHold.owned(ChaiEngine.load(modelDirectory, Objects.toString(name, "model"), options));
        }
        throw new IllegalArgumentException(
                "expected an engine or a model directory, found " + (engine == null ? "neither" : "both"));
    }

    /** Sets the engine. Any number of models may share it; it stays open when this one is closed. */
    public B engine(@Nullable ChaiEngine engine) {
        this.engine = engine;
        return self();
    }

    /**
     * Sets a model in Hugging Face layout, for a LangChain4j model with an engine of its own, named like the directory:
     * it is loaded by {@code build} and closed with the LangChain4j model. Several of these that are to share weights
     * need an {@link #engine(ChaiEngine) engine}.
     */
    public B modelDirectory(@Nullable Path modelDirectory) {
        this.modelDirectory = modelDirectory;
        return self();
    }

    /**
     * Sets how the model of {@link #modelDirectory} is loaded; the default is {@link ChaiOptions#exact()}. An engine
     * has its own.
     */
    public B options(@Nullable ChaiOptions options) {
        this.options = options == null ? ChaiOptions.exact() : options;
        return self();
    }

    /** Sets the temperature; 0, the default, takes the most likely token always. */
    public B temperature(@Nullable Double temperature) {
        this.temperature = temperature;
        return self();
    }

    /** Sets topP; the default is 1, all tokens. */
    public B topP(@Nullable Double topP) {
        this.topP = topP;
        return self();
    }

    /** Sets topK; the default is all tokens. */
    public B topK(@Nullable Integer topK) {
        this.topK = topK;
        return self();
    }

    /** Sets what the logit of a token loses for each time it came in the answer, -2 to 2; the default is 0. */
    public B frequencyPenalty(@Nullable Double frequencyPenalty) {
        this.frequencyPenalty = frequencyPenalty;
        return self();
    }

    /** Sets what the logit of a token loses if it came in the answer, -2 to 2; the default is 0. */
    public B presencePenalty(@Nullable Double presencePenalty) {
        this.presencePenalty = presencePenalty;
        return self();
    }

    /**
     * Sets what the logit of a token that came in the prompt or the answer is divided by, or multiplied with if it is
     * negative; more than 0, the default is 1. LangChain4j's requests have no place for it.
     */
    public B repetitionPenalty(@Nullable Double repetitionPenalty) {
        this.repetitionPenalty = repetitionPenalty;
        return self();
    }

    /** Sets the most tokens of an answer; the default is what the context holds. */
    public B maxOutputTokens(@Nullable Integer maxOutputTokens) {
        this.maxOutputTokens = maxOutputTokens;
        return self();
    }

    /** Sets texts that end an answer and are not part of it. */
    public B stopSequences(@Nullable List<String> stopSequences) {
        this.stopSequences = stopSequences == null ? null : List.copyOf(stopSequences);
        return self();
    }

    /**
     * Sets the seed of random choices: the same seed gives the same answer. LangChain4j's requests have no place for
     * it.
     */
    public B seed(@Nullable Long seed) {
        this.seed = seed;
        return self();
    }

    /**
     * Sets whether steps check tokens that may come next, looked up in prompt and answer, beside the one that comes:
     * the same answers, in fewer steps where they repeat what they were told, see
     * {@link io.github.chaijlama.generate.GenerationOptions#guess()}. By default they do not.
     */
    public B guess(@Nullable Boolean guess) {
        this.guess = Boolean.TRUE.equals(guess);
        return self();
    }
}
