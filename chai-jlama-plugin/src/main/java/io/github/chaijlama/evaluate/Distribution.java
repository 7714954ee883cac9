// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.Arrays;

/**
 * What a model expects next: logits {@code (vocabularySize)} with the logarithm of the sum of their exponentials, in
 * double.
 */
record Distribution(float[] logits, double logSum, int mostLikely) {

    /** Returns the distribution of each row, {@code (position, vocabularySize)}. */
    static Distribution[] of(float[][] logits) {
        return Arrays.stream(logits).parallel().map(Distribution::of).toArray(Distribution[]::new);
    }

    static Distribution of(float[] logits) {
        int mostLikely = 0;
        for (int token = 1; token < logits.length; token++) {
            if (logits[token] > logits[mostLikely]) {
                mostLikely = token;
            }
        }
        double max = logits[mostLikely];
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - max);
        }
        return new Distribution(logits, max + Math.log(sum), mostLikely);
    }

    /** Returns the logarithm of a token's probability. */
    double logProbability(int token) {
        return logits[token] - logSum;
    }

    /** Returns the probabilities, {@code (vocabularySize)}. */
    double[] probabilities() {
        double[] probabilities = new double[logits.length];
        for (int token = 0; token < logits.length; token++) {
            probabilities[token] = Math.exp(logits[token] - logSum);
        }
        return probabilities;
    }

    /**
     * Returns KL(this || other) in nats: how much worse it is to expect the other when this is true.
     *
     * @param probabilities {@link #probabilities()} of this, which several comparisons share
     */
    double divergence(double[] probabilities, Distribution other) {
        double sum = 0;
        for (int token = 0; token < logits.length; token++) {
            sum += probabilities[token] * (logits[token] - (double) other.logits[token]);
        }
        return Math.max(0, sum - logSum + other.logSum);
    }
}
