// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.util.Arrays;

import io.github.chaijlama.model.ScoreRules;

/** How the scores of a layer's heads become probabilities. Immutable. */
public final class HeadScores {
    private final ScoreRules rules;
    private final float[] sinks;

    private HeadScores(ScoreRules rules, float[] sinks) {
        this.rules = rules;
        this.sinks = sinks;
    }

    /** Returns scores without sinks. */
    public static HeadScores of(ScoreRules rules, int numberOfHeads) {
        float[] none = new float[numberOfHeads];
        Arrays.fill(none, Float.NEGATIVE_INFINITY);
        return new HeadScores(rules, none);
    }

    /**
     * Returns scores of which each head has one more, which counts in its sum and has no value: the probabilities of a
     * head add up to less than 1.
     *
     * @param sinks {@code (head)}
     */
    public static HeadScores withSinks(ScoreRules rules, float[] sinks) {
        return new HeadScores(rules, sinks.clone());
    }

    /** Returns what all heads have in common. */
    ScoreRules rules() {
        return rules;
    }

    /** Returns a head's score for attending to nothing, negative infinity if it has none. */
    float sink(int head) {
        return sinks[head];
    }

    int firstKey(int position) {
        return rules.firstKey(position);
    }
}
