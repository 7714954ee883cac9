// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.Map;

/**
 * What is taken from the logits of tokens that the answer already has, as OpenAI's API defines it: {@code frequency}
 * for each time a token came, and {@code presence} once. The prompt's tokens do not count. Negative values make
 * repetition more likely.
 *
 * @param frequency from -2 to 2
 * @param presence  from -2 to 2
 */
public record RepetitionPenalties(double frequency, double presence) {

    /** Takes nothing away. */
    public static final RepetitionPenalties NONE = new RepetitionPenalties(0, 0);

    public RepetitionPenalties {
        requireInRange("frequency", frequency);
        requireInRange("presence", presence);
    }

    private static void requireInRange(String name, double penalty) {
        if (!(penalty >= -2 && penalty <= 2)) {
            throw new IllegalArgumentException(name + " penalty must be from -2 to 2, found " + penalty);
        }
    }

    /** Whether logits stay what they are. */
    boolean isNone() {
        return frequency == 0 && presence == 0;
    }

    /**
     * Returns logits without what the penalties take.
     *
     * @param logits {@code (vocabularySize)}; not changed
     * @param counts how often each token of the answer came
     */
    float[] applied(float[] logits, Map<Integer, Integer> counts) {
        float[] penalized = logits.clone();
        counts.forEach((token, count) -> penalized[token] -= (float) (count * frequency + presence));
        return penalized;
    }
}
