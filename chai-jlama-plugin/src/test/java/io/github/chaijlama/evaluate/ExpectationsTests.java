// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

class ExpectationsTests {
    private static final double[][] EXACT = { { 0.5, 0.25, 0.25 }, { 0.1, 0.8, 0.1 } };
    private static final double[][] FOUND = { { 0.25, 0.5, 0.25 }, { 0.2, 0.6, 0.2 } };
    private static final int[] TOKENS = { 2, 1 };

    /** Returns logits with some constant added, which changes no probability. */
    private static float[][] logits(double[][] probabilities, double constant) {
        float[][] logits = new float[probabilities.length][];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = new float[probabilities[i].length];
            for (int token = 0; token < logits[i].length; token++) {
                logits[i][token] = (float) (Math.log(probabilities[i][token]) + constant);
            }
        }
        return logits;
    }

    private static double divergence(double[] exact, double[] found) {
        double sum = 0;
        for (int token = 0; token < exact.length; token++) {
            sum += exact[token] * Math.log(exact[token] / found[token]);
        }
        return sum;
    }

    @Test
    void lossesAreThoseOfTheDefinitions() {
        TextLoss loss = Expectations.of(logits(EXACT, 3), TOKENS).compare(logits(FOUND, -4));

        assertThat(loss.meanDivergence())
                .isCloseTo((divergence(EXACT[0], FOUND[0]) + divergence(EXACT[1], FOUND[1])) / 2, within(1e-5));
        assertThat(loss.meanDifference()).isCloseTo((Math.log(0.25 / 0.25) + Math.log(0.8 / 0.6)) / 2, within(1e-5));
        assertThat(loss.loss()).isCloseTo(-Math.log(0.25) - Math.log(0.6), within(1e-5));
        assertThat(loss.predicted()).isEqualTo(2);
        assertThat(loss.agreed()).isEqualTo(1);
    }

    @Test
    void logitsFarFromZeroOverflowNothing() {
        TextLoss loss = Expectations.of(new float[][]{ { 1000, 999 } }, new int[]{ 0 })
                .compare(new float[][]{ { -1000, -999 } });

        // Probabilities p and 1 - p against 1 - p and p, p = e / (1 + e).
        double p = Math.E / (1 + Math.E);
        assertThat(loss.meanDivergence()).isCloseTo(2 * p - 1, within(1e-9));
        assertThat(loss.meanDifference()).isCloseTo(1, within(1e-9));
    }

    @Test
    void exactAttentionDiffersInNothingFromItself() {
        Expectations exact = Expectations.of(logits(EXACT, 3), TOKENS);
        TextLoss itself = new TextLoss();
        exact.compareWithItself(itself);

        assertThat(itself.meanDivergence()).isZero();
        assertThat(itself.meanDifference()).isZero();
        assertThat(exact.compare(logits(EXACT, 3)).meanDivergence()).isZero();
        assertThat(exact.compare(logits(EXACT, 3)).loss()).isEqualTo(itself.loss());
    }

    @Test
    void eachPositionHasItsToken() {
        assertThatThrownBy(() -> Expectations.of(logits(EXACT, 0), new int[3]))
                .hasMessage("logits of 2 positions, expected 3");
    }
}
