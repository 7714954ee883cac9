// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.Locale;

import io.github.chaijlama.evaluate.Estimate;

/**
 * How much quality clusters may cost, against exact attention on the same texts. A loss is inside if it is with its
 * margin: the upper end of its one-sided interval of 95 %. Whatever the bound, no answer that was looked at by itself
 * may be broken: a mean over long texts hides what happens to the few tokens of a greeting or of a call.
 *
 * @param measure what is bounded
 * @param bound   above 0; see {@link Measure} for its unit
 * @param saving  what is to be saved within it
 */
public record QualityBudget(Measure measure, double bound, Saving saving) {
    /** What can be bounded. */
    public enum Measure {
        /** Perplexity divided by exact perplexity, minus 1. */
        PERPLEXITY_INCREASE,
        /** Mean divergence KL(exact || clustered), nats per token. */
        DIVERGENCE,
        /**
         * Share of tasks whose right choice is the likeliest, of exact attention minus of clustered: 0.01 is one point.
         */
        ACCURACY_DROP
    }

    public QualityBudget {
        if (!(bound > 0) || Double.isInfinite(bound)) {
            throw new IllegalArgumentException("a quality bound must be above 0, found " + bound);
        }
    }

    /** Creates a budget within which memory is saved. */
    public QualityBudget(Measure measure, double bound) {
        this(measure, bound, Saving.MEMORY);
    }

    /** Returns this budget for another saving. */
    public QualityBudget with(Saving newSaving) {
        return new QualityBudget(measure, bound, newSaving);
    }

    /** Returns the share that is saved, of what is to be saved. */
    double saving(QualityLoss loss) {
        return saving.of(loss);
    }

    /** Returns whether a measured loss is inside the bound, its margin considered, and breaks no answer. */
    boolean allows(QualityLoss loss) {
        return excess(loss) <= 0 && loss.brokenAnswers() == 0;
    }

    /**
     * Returns by how much a measured loss with its margin is above the bound, negative if it is below; in the unit of
     * {@link #limit}.
     */
    double excess(QualityLoss loss) {
        Estimate measured = switch (measure) {
            case PERPLEXITY_INCREASE -> loss.logLossDifference();
            case DIVERGENCE -> loss.divergence();
            case ACCURACY_DROP -> loss.accuracyDrop().orElseThrow();
        };
        return measured.upperBound() - limit();
    }

    /** Returns the bound in nats per token, or in shares of tasks. */
    double limit() {
        return measure == Measure.PERPLEXITY_INCREASE ? Math.log1p(bound) : bound;
    }

    @Override
    public String toString() {
        String words = switch (measure) {
            case PERPLEXITY_INCREASE -> String.format(Locale.ROOT, "at most %.4g %% more perplexity", 100 * bound);
            case DIVERGENCE -> String.format(Locale.ROOT, "a divergence of at most %.4g nats per token", bound);
            case ACCURACY_DROP -> String.format(Locale.ROOT, "at most %.4g points less accuracy", 100 * bound);
        };
        return saving == Saving.MEMORY ? words : words + ", saving time";
    }
}
