// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.Optional;

import org.jspecify.annotations.Nullable;

/**
 * How the next token is chosen.
 *
 * @param temperature what logits are divided by; 0 takes the most likely token always
 * @param topK        how many of the most likely tokens may be chosen, empty for all
 * @param topP        the most likely tokens that together have this probability may be chosen, above 0 to 1; 1 for all
 * @param seed        where random choices start; the same seed gives the same text, none a different one each time
 * @param penalties   what is taken from the logits of tokens that the answer already has
 */
public record SamplingOptions(double temperature, Optional<Integer> topK, double topP, Optional<Long> seed,
        RepetitionPenalties penalties) {

    /** Always the most likely token. */
    public static final SamplingOptions GREEDY = new SamplingOptions(0, null, 1, null);

    /**
     * Without penalties.
     *
     * @param topK absent for all tokens
     * @param seed absent for a different one each time
     */
    public SamplingOptions(double temperature, @Nullable Integer topK, double topP, @Nullable Long seed) {
        this(temperature, Optional.ofNullable(topK), topP, Optional.ofNullable(seed), RepetitionPenalties.NONE);
    }

    public SamplingOptions {
        if (!(temperature >= 0) || Double.isInfinite(temperature)) {
            throw new IllegalArgumentException("temperature must be 0 or more, found " + temperature);
        }
        topK.filter(tokens -> tokens < 1).ifPresent(tokens -> {
            throw new IllegalArgumentException("top-k must be at least 1 token, found " + tokens);
        });
        if (!(topP > 0 && topP <= 1)) {
            throw new IllegalArgumentException("top-p must be above 0 and at most 1, found " + topP);
        }
    }

    /** Returns these options with other penalties. */
    public SamplingOptions withPenalties(RepetitionPenalties newPenalties) {
        return new SamplingOptions(temperature, topK, topP, seed, newPenalties);
    }
}
