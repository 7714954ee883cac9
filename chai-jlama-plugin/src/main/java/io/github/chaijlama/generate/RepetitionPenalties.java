// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.Map;
import java.util.Set;

/**
 * What makes tokens that came already less likely. {@code frequency} and {@code presence} are those of OpenAI's API:
 * what the logit of a token loses for each time it came in the answer, and once; the prompt's tokens do not count, and
 * negative values make repetition more likely. {@code repetition} is that of Hugging Face's transformers
 * (arXiv:1909.05858, section 4.1): what the logit of a token of prompt or answer is divided by, or multiplied with if
 * it is negative. It comes first.
 *
 * @param frequency  from -2 to 2
 * @param presence   from -2 to 2
 * @param repetition more than 0; 1 for none
 */
public record RepetitionPenalties(double frequency, double presence, double repetition) {

    /** Takes nothing away. */
    public static final RepetitionPenalties NONE = new RepetitionPenalties(0, 0);

    /** Those of OpenAI's API alone. */
    public RepetitionPenalties(double frequency, double presence) {
        this(frequency, presence, 1);
    }

    public RepetitionPenalties {
        requireInRange("frequency", frequency);
        requireInRange("presence", presence);
        if (!(repetition > 0 && repetition < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("repetition penalty must be more than 0, found " + repetition);
        }
    }

    private static void requireInRange(String name, double penalty) {
        if (!(penalty >= -2 && penalty <= 2)) {
            throw new IllegalArgumentException(name + " penalty must be from -2 to 2, found " + penalty);
        }
    }

    /** Whether logits stay what they are. */
    boolean isNone() {
        return frequency == 0 && presence == 0 && repetition == 1;
    }

    /**
     * Returns logits without what the penalties take.
     *
     * @param logits {@code (vocabularySize)}; not changed
     * @param prompt tokens of the prompt
     * @param counts how often each token of the answer came
     */
    float[] applied(float[] logits, Set<Integer> prompt, Map<Integer, Integer> counts) {
        float[] penalized = logits.clone();
        if (repetition != 1) {
            prompt.forEach(token -> repeated(token, penalized));
            counts.keySet().stream().filter(token -> !prompt.contains(token))
                    .forEach(token -> repeated(token, penalized));
        }
        counts.forEach((token, count) -> penalized[token] -= (float) (count * frequency + presence));
        return penalized;
    }

    private void repeated(int token, float[] logits) {
        logits[token] = (float) (logits[token] < 0 ? logits[token] * repetition : logits[token] / repetition);
    }
}
