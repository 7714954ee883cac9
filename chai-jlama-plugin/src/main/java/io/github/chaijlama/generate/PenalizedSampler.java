// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Makes tokens that came already less likely before another sampler chooses. */
final class PenalizedSampler implements Sampler {
    private final Sampler sampler;
    private final RepetitionPenalties penalties;
    private final Map<Integer, Integer> counts = new HashMap<>();
    private Set<Integer> promptTokens = Set.of();

    PenalizedSampler(Sampler sampler, RepetitionPenalties penalties) {
        this.sampler = sampler;
        this.penalties = penalties;
    }

    @Override
    public void begin(int[] prompt) {
        promptTokens = Arrays.stream(prompt).boxed().collect(Collectors.toUnmodifiableSet());
    }

    @Override
    public int sample(float[] logits) {
        int token = sampler.sample(penalties.applied(logits, promptTokens, counts));
        skip(token);
        return token;
    }

    @Override
    public void skip(int token) {
        counts.merge(token, 1, Integer::sum);
    }
}
