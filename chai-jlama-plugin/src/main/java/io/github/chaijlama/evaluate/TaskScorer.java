// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;

import io.github.chaijlama.PromptSession;

/**
 * Scores the tasks of one arm, as lm-evaluation-harness does ({@code process_results} of its multiple-choice tasks in
 * lm_eval/api/task.py): the log-likelihood of a choice is the sum over its tokens; {@code acc} takes the highest,
 * {@code acc_norm} the highest after division by the number of characters of the choice's text; of equals the first.
 *
 * <p>The prompt runs once: after each choice the sequence is cut back to it. Where the arm's window reaches beyond the
 * prompt, each choice is a sequence of its own.
 */
final class TaskScorer {
    private final ModelSequences sequences;
    private final Arm arm;
    private final IntPredicate isEndToken;

    TaskScorer(ModelSequences sequences, Arm arm, IntPredicate isEndToken) {
        this.sequences = sequences;
        this.arm = arm;
        this.isEndToken = isEndToken;
    }

    /**
     * A scored task.
     *
     * @param kvCacheBytes bytes of keys and values at the end of the prompt
     */
    record Scored(TaskScore score, long kvCacheBytes) {}

    /**
     * What is expected along a continuation.
     *
     * @param logLikelihood sum of the logarithms of its tokens' probabilities
     * @param greedy        whether each of its tokens is the most likely, and that to end after them if they should
     */
    private record Likelihood(double logLikelihood, boolean greedy) {}

    Scored score(Task task) {
        try (Prompt prompt = new Prompt(task.prompt())) {
            List<Likelihood> choices = new ArrayList<>();
            for (Task.Choice choice : task.choices()) {
                choices.add(prompt.likelihood(choice.tokens(), false));
            }
            Likelihood answer = task.target().map(target -> prompt.likelihood(target.tokens(), true))
                    .orElse(choices.get(task.answer()));
            return new Scored(
                    new TaskScore(best(task, choices, false) == task.answer(),
                            best(task, choices, true) == task.answer(), answer.greedy(), -answer.logLikelihood()),
                    prompt.kvCacheBytes);
        }
    }

    private static int best(Task task, List<Likelihood> choices, boolean normalized) {
        int best = 0;
        double highest = Double.NEGATIVE_INFINITY;
        for (int choice = 0; choice < choices.size(); choice++) {
            double value = choices.get(choice).logLikelihood()
                    / (normalized ? task.choices().get(choice).characters() : 1);
            if (value > highest) {
                highest = value;
                best = choice;
            }
        }
        return best;
    }

    /** A prompt that has been read. */
    private final class Prompt implements AutoCloseable {
        private final int[] tokens;
        private final Distribution expected;
        private final long kvCacheBytes;
        private PromptSession sequence;

        Prompt(int[] tokens) {
            this.tokens = tokens;
            this.sequence = sequences.open(arm);
            try {
                this.expected = Distribution.of(sequence.feed(tokens));
                sequence.endPrompt();
                this.kvCacheBytes = sequence.kvCacheBytes();
            } catch (RuntimeException | Error e) {
                sequence.close();
                throw e;
            }
        }

        /** Returns what is expected along a continuation, after which the text should end or not. */
        Likelihood likelihood(int[] continuation, boolean ends) {
            double sum = expected.logProbability(continuation[0]);
            boolean greedy = expected.mostLikely() == continuation[0];
            int fed = ends ? continuation.length : continuation.length - 1;
            if (fed == 0) {
                return new Likelihood(sum, greedy);
            }
            float[][] logits = sequence.feedAll(Arrays.copyOf(continuation, fed));
            cutBack(fed);
            for (int i = 1; i < continuation.length; i++) {
                Distribution after = Distribution.of(logits[i - 1]);
                sum += after.logProbability(continuation[i]);
                greedy &= after.mostLikely() == continuation[i];
            }
            if (ends) {
                greedy &= isEndToken.test(Distribution.of(logits[fed - 1]).mostLikely());
            }
            return new Likelihood(sum, greedy);
        }

        private void cutBack(int fed) {
            if (arm.canCutTo(tokens.length) && fed <= sequences.mostCut()) {
                sequence.truncate(tokens.length);
            } else {
                sequence.close();
                sequence = sequences.open(arm);
                sequence.feed(tokens);
                sequence.endPrompt();
            }
        }

        @Override
        public void close() {
            sequence.close();
        }
    }
}
