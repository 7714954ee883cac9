// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import org.jspecify.annotations.Nullable;

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
            @Nullable Double frequencyPenalty, @Nullable Double presencePenalty, @Nullable Long seed) {
        return new SamplingOptions(orElse(temperature, 0), topK, orElse(topP, 1), seed).withPenalties(
                new RepetitionPenalties(orElse(frequencyPenalty, 0), orElse(presencePenalty, 0)));
    }

    private static double orElse(@Nullable Double value, double otherwise) {
        return value == null ? otherwise : value;
    }
}
