// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.Arrays;

/**
 * What exact attention expects of the tokens of a stretch of text: others are compared with it, token by token. Not
 * thread-safe.
 */
public final class Expectations {
    private final Distribution[] exact;
    private final int[] tokens;
    /** Calculated when the first other is compared, {@code (position, vocabularySize)}. */
    private double[][] probabilities = {};

    /**
     * Creates expectations.
     *
     * @param exact  what is expected at each position
     * @param tokens the token that came there
     */
    Expectations(Distribution[] exact, int[] tokens) {
        this.exact = exact;
        this.tokens = tokens;
    }

    /**
     * Returns the expectations of exact attention.
     *
     * @param logits its logits, {@code (position, vocabularySize)}
     * @param tokens the token that came after each position
     */
    public static Expectations of(float[][] logits, int[] tokens) {
        if (logits.length != tokens.length) {
            throw new IllegalArgumentException("logits of " + logits.length + " positions, expected " + tokens.length);
        }
        return new Expectations(Distribution.of(logits), tokens.clone());
    }

    /**
     * Returns what other attention loses over these tokens.
     *
     * @param logits its logits at the same positions, {@code (position, vocabularySize)}
     */
    public TextLoss compare(float[][] logits) {
        TextLoss loss = new TextLoss();
        compare(Distribution.of(logits), loss);
        return loss;
    }

    /** Adds what other attention loses. */
    void compare(Distribution[] found, TextLoss loss) {
        if (probabilities.length == 0) {
            probabilities = Arrays.stream(exact).map(Distribution::probabilities).toArray(double[][]::new);
        }
        for (int i = 0; i < tokens.length; i++) {
            loss.add(exact[i], found[i], exact[i].divergence(probabilities[i], found[i]), tokens[i]);
        }
    }

    /** Adds what exact attention itself loses. */
    void compareWithItself(TextLoss loss) {
        for (int i = 0; i < tokens.length; i++) {
            loss.add(exact[i], exact[i], 0, tokens[i]);
        }
    }
}
