// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;

import io.github.chaijlama.evaluate.AnswerEvaluator;
import io.github.chaijlama.evaluate.Arm;
import io.github.chaijlama.evaluate.Progress;
import io.github.chaijlama.evaluate.TaskEvaluator;
import io.github.chaijlama.evaluate.TextEvaluator;
import io.github.chaijlama.profile.ClusterProfile;

/**
 * Measures what profiles cost on some texts, each once: what is known is taken from the state of the run.
 *
 * @param <T> what a profile is made of; the state knows it by its {@code toString}
 */
final class LossMeasurer<T> implements Function<T, QualityLoss> {
    private final CalibrationRun run;
    private final String name;
    private final TextEvaluator texts;
    private final Optional<TaskEvaluator> tasks;
    private final Optional<AnswerEvaluator> answers;
    private final Function<T, ClusterProfile> profile;
    private int measured;
    private int expected = 1;

    /**
     * Creates a measurer.
     *
     * @param name    name of the texts, in the state and where progress is reported
     * @param answers answers that are looked at by themselves, if any
     * @param profile makes the profile to be measured
     */
    LossMeasurer(CalibrationRun run, String name, List<int[]> texts, Optional<TaskEvaluator> tasks,
            Optional<AnswerEvaluator> answers, Function<T, ClusterProfile> profile) {
        this.run = run;
        this.name = name;
        this.texts = new TextEvaluator(run.model(), texts, TextEvaluator.DEFAULT_CACHE_BYTES);
        this.tasks = tasks;
        this.answers = answers;
        this.profile = profile;
    }

    /** Says how many measurements there will be, where that is known. */
    void expect(int measurements) {
        expected = measurements;
    }

    @Override
    public QualityLoss apply(T candidate) {
        QualityLoss loss = run.state().loss(name + candidate).orElseGet(() -> measure(candidate));
        measured++;
        expected = Math.max(expected, measured);
        run.progress().report("quality, " + name, measured, expected);
        return loss;
    }

    private QualityLoss measure(T candidate) {
        Arm arm = new Arm("clustered", profile.apply(candidate));
        List<Arm> arms = List.of(arm);
        Progress interruptible = (done, total) -> InterruptedCalibration.throwIfInterrupted();
        QualityLoss loss = QualityLoss.of(texts.evaluate(arms, interruptible).arms().getFirst(),
                tasks.map(evaluator -> evaluator.evaluate(arms, interruptible).arms().getFirst()),
                answers.map(evaluator -> evaluator.evaluate(arm, interruptible)).orElse(List.of()));
        run.state().putLoss(name + candidate, loss);
        run.state().saveIfDue();
        return loss;
    }

    /** Returns the perplexity of exact attention. */
    double exactPerplexity() {
        return texts.evaluate(List.of(), Progress.NONE).exact().perplexity().value();
    }
}
