// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

/**
 * How the next token is chosen.
 *
 * @param temperature what logits are divided by; 0 takes the most likely token always
 * @param topK        how many of the most likely tokens may be chosen, null for all
 * @param topP        the most likely tokens that together have this probability may be chosen, above 0 to 1; 1 for all
 * @param seed        where random choices start; the same seed gives the same text, null a different one each time
 * @param penalties   what is taken from the logits of tokens that the answer already has
 */
public record SamplingOptions(double temperature, Integer topK, double topP, Long seed, RepetitionPenalties penalties) {

    /** Always the most likely token. */
    public static final SamplingOptions GREEDY = new SamplingOptions(0, null, 1, null);

    /** Without penalties. */
    public SamplingOptions(double temperature, Integer topK, double topP, Long seed) {
        this(temperature, topK, topP, seed, RepetitionPenalties.NONE);
    }

    public SamplingOptions {
        if (!(temperature >= 0) || Double.isInfinite(temperature)) {
            throw new IllegalArgumentException("temperature must be 0 or more, found " + temperature);
        }
        if (topK != null && topK < 1) {
            throw new IllegalArgumentException("top-k must be at least 1 token, found " + topK);
        }
        if (!(topP > 0 && topP <= 1)) {
            throw new IllegalArgumentException("top-p must be above 0 and at most 1, found " + topP);
        }
    }

    /** Returns these options with other penalties. */
    public SamplingOptions withPenalties(RepetitionPenalties newPenalties) {
        return new SamplingOptions(temperature, topK, topP, seed, newPenalties);
    }
}
