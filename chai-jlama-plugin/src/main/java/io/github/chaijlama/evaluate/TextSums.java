// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

/** What is added up over texts for one arm. Not thread-safe. */
final class TextSums {
    private final Arm arm;
    private final RatioSums loss = new RatioSums();
    private final RatioSums difference = new RatioSums();
    private final RatioSums divergence = new RatioSums();
    private final RatioSums agreement = new RatioSums();
    private long kvCacheBytes;
    private int textsWithoutClusters;

    TextSums(Arm arm) {
        this.arm = arm;
    }

    /** The sums of one text, over its predicted tokens. */
    static final class Text {
        private double loss;
        private double difference;
        private double divergence;
        private long agreed;
        private long predicted;

        /** Adds a predicted token. */
        void add(Distribution exact, double[] probabilities, Distribution expected, int token) {
            predicted++;
            double tokenLoss = -expected.logProbability(token);
            loss += tokenLoss;
            difference += tokenLoss + exact.logProbability(token);
            divergence += exact == expected ? 0 : exact.divergence(probabilities, expected);
            agreed += exact.mostLikely() == expected.mostLikely() ? 1 : 0;
        }
    }

    void add(Text text, int tokens, long bytes) {
        loss.add(text.loss, text.predicted);
        difference.add(text.difference, text.predicted);
        divergence.add(text.divergence, text.predicted);
        agreement.add(text.agreed, text.predicted);
        kvCacheBytes += bytes;
        textsWithoutClusters += arm.isClustered(tokens) ? 0 : 1;
    }

    long kvCacheBytes() {
        return kvCacheBytes;
    }

    TextResult result(long exactBytes) {
        Estimate meanDifference = difference.mean();
        Estimate ratio = meanDifference.exp();
        return new TextResult(arm, loss.mean(), loss.mean().exp(), meanDifference,
                new Estimate(Math.expm1(meanDifference.value()), ratio.standardError()), divergence.mean(),
                agreement.mean(), kvCacheBytes, kvCacheBytes / (double) exactBytes, textsWithoutClusters);
    }
}
