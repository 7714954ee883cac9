// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.List;
import java.util.Optional;

import io.github.chaijlama.evaluate.AnswerLoss;
import io.github.chaijlama.evaluate.Arm;
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
 * @param scoreSaving       share of the rows of scores that is saved: clusters that are fewer than heads
 * @param answers           what becomes of single answers, by their kind; empty if none were looked at
 */
public record QualityLoss(Estimate divergence, Estimate logLossDifference, Optional<Estimate> accuracyDrop,
        double agreement, double kvSaving, double scoreSaving, List<AnswerLoss> answers) {
    /** What exact attention costs and saves. */
    static final QualityLoss NOTHING = new QualityLoss(new Estimate(0, 0), new Estimate(0, 0),
            Optional.of(new Estimate(0, 0)), 1, 0, 0, List.of());

    public QualityLoss {
        answers = List.copyOf(answers);
    }

    /** A loss where neither scores were counted nor answers looked at. */
    public QualityLoss(Estimate divergence, Estimate logLossDifference, Optional<Estimate> accuracyDrop,
            double agreement, double kvSaving) {
        this(divergence, logLossDifference, accuracyDrop, agreement, kvSaving, 0, List.of());
    }

    /**
     * Puts together what was measured of one arm.
     *
     * @param tasks   empty if there are none
     * @param answers empty if there are none
     */
    static QualityLoss of(TextResult result, Optional<TaskResult> tasks, List<AnswerLoss> answers) {
        return new QualityLoss(result.divergence(), result.logLossDifference(),
                tasks.map(found -> found.overall().differences().accuracy().negated()), result.agreement().value(),
                1 - result.kvCacheRelative(), scoreSaving(result.arm()), answers);
    }

    private static double scoreSaving(Arm arm) {
        return arm.profile().map(profile -> 1 - profile.clusters().stream().mapToDouble(Integer::intValue).average()
                .orElseThrow() / profile.model().heads()).orElse(0.0);
    }

    /** Returns answers that change at a token of which exact attention is sure. */
    public int brokenAnswers() {
        return answers.stream().mapToInt(AnswerLoss::broken).sum();
    }

    /** Returns perplexity divided by that of exact attention, minus 1. */
    public double perplexityIncrease() {
        return logLossDifference.expm1().value();
    }
}
