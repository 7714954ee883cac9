// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import org.jspecify.annotations.Nullable;

import io.github.chaijlama.generate.GenerationConfig;
import io.github.chaijlama.generate.RepetitionPenalties;
import io.github.chaijlama.generate.SamplingOptions;

/** LangChain4j's settings of sampling, absent where nothing was said, in this project's words. */
final class Sampling {

    private Sampling() {}

    /**
     * Returns how tokens are chosen; greedily, from all tokens and without penalties where nothing was said.
     *
     * @throws IllegalArgumentException if a setting is impossible
     */
    static SamplingOptions of(@Nullable Double temperature, @Nullable Integer topK, @Nullable Double topP,
            @Nullable Double frequencyPenalty, @Nullable Double presencePenalty, double repetitionPenalty,
            @Nullable Long seed) {
        return new SamplingOptions(orElse(temperature, 0), topK, orElse(topP, 1), seed).withPenalties(
                new RepetitionPenalties(orElse(frequencyPenalty, 0), orElse(presencePenalty, 0), repetitionPenalty));
    }

    /**
     * Returns how a builder's model is to generate; what the builder does not say, the model's makers say, or nobody.
     *
     * @throws IllegalArgumentException if a setting is impossible
     */
    static SamplingOptions of(ChaiModelBuilder<?> builder, ChaiEngine engine) {
        GenerationConfig own = engine.textModel().generationConfig();
        return of(builder.temperature == null ? own.temperature().orElse(null) : builder.temperature,
                builder.topK == null ? own.topK().orElse(null) : builder.topK,
                builder.topP == null ? own.topP().orElse(null) : builder.topP, builder.frequencyPenalty,
                builder.presencePenalty, repetitionPenalty(builder, engine), builder.seed);
    }

    static double repetitionPenalty(ChaiModelBuilder<?> builder, ChaiEngine engine) {
        return orElse(builder.repetitionPenalty, engine.textModel().generationConfig().repetitionPenalty().orElse(1.0));
    }

    private static double orElse(@Nullable Double value, double otherwise) {
        return value == null ? otherwise : value;
    }
}
