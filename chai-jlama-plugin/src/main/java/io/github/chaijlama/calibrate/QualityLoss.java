// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.Optional;

import io.github.chaijlama.evaluate.Estimate;
import io.github.chaijlama.evaluate.TaskResult;
import io.github.chaijlama.evaluate.TextResult;

/**
 * What clusters cost and save, measured against exact attention on the same texts.
 *
 * @param divergence        mean KL(exact || clustered), nats per token
 * @param logLossDifference mean negative log-likelihood minus that of exact attention, nats per token
 * @param accuracyDrop      share of tasks that exact attention has right minus that of clusters; empty if there were no
 *                          tasks
 * @param agreement         share of tokens where both expect the same token most
 * @param kvSaving          share of the bytes of keys and values that is saved
 */
public record QualityLoss(Estimate divergence, Estimate logLossDifference, Optional<Estimate> accuracyDrop,
        double agreement, double kvSaving) {
    /** What exact attention costs and saves. */
    static final QualityLoss NOTHING = new QualityLoss(new Estimate(0, 0), new Estimate(0, 0),
            Optional.of(new Estimate(0, 0)), 1, 0);

    /** @param tasks what the same arm makes of tasks, empty if there are none */
    static QualityLoss of(TextResult result, Optional<TaskResult> tasks) {
        return new QualityLoss(result.divergence(), result.logLossDifference(),
                tasks.map(found -> found.overall().differences().accuracy().negated()), result.agreement().value(),
                1 - result.kvCacheRelative());
    }

    /** Returns perplexity divided by that of exact attention, minus 1. */
    public double perplexityIncrease() {
        return logLossDifference.expm1().value();
    }
}
