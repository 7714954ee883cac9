// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import io.github.chaijlama.evaluate.Estimate;
import io.github.chaijlama.evaluate.TextResult;

/**
 * What clusters cost and save, measured against exact attention on the same texts.
 *
 * @param divergence        mean KL(exact || clustered), nats per token
 * @param logLossDifference mean negative log-likelihood minus that of exact attention, nats per token
 * @param agreement         share of tokens where both expect the same token most
 * @param kvSaving          share of the bytes of keys and values that is saved
 */
public record QualityLoss(Estimate divergence, Estimate logLossDifference, double agreement, double kvSaving) {

    static QualityLoss of(TextResult result) {
        return new QualityLoss(result.divergence(), result.logLossDifference(), result.agreement().value(),
                1 - result.kvCacheRelative());
    }

    /** Returns perplexity divided by that of exact attention, minus 1. */
    public double perplexityIncrease() {
        return Math.expm1(logLossDifference.value());
    }
}
