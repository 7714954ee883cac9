// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

/** What attention loses over the predicted tokens of one text, against exact attention. Not thread-safe. */
public final class TextLoss {
    private double loss;
    private double difference;
    private double divergence;
    private long agreed;
    private long predicted;

    /** Adds a predicted token, with KL(exact || found) before it. */
    void add(Distribution exact, Distribution found, double tokenDivergence, int token) {
        predicted++;
        double tokenLoss = -found.logProbability(token);
        loss += tokenLoss;
        difference += tokenLoss + exact.logProbability(token);
        divergence += tokenDivergence;
        agreed += exact.mostLikely() == found.mostLikely() ? 1 : 0;
    }

    /** Returns the mean negative log-likelihood minus that of exact attention, nats per token. */
    public double meanDifference() {
        return difference / predicted;
    }

    /** Returns the mean KL(exact || found), nats per token. */
    public double meanDivergence() {
        return divergence / predicted;
    }

    /** Returns the tokens predicted. */
    public long predicted() {
        return predicted;
    }

    /** Returns the sum of their negative log-likelihoods, nats. */
    double loss() {
        return loss;
    }

    /** Returns that sum minus that of exact attention, nats. */
    double difference() {
        return difference;
    }

    /** Returns the sum of KL(exact || found), nats. */
    public double divergence() {
        return divergence;
    }

    /** Returns at how many tokens both expected the same token most. */
    public long agreed() {
        return agreed;
    }
}
