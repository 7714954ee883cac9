// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.PromptSession;

/**
 * Measures how many answers of exact attention an arm would give, too. An answer is given token by token, so it is the
 * same as long as the arm expects each of its tokens most behind those before it: one pass over prompt and answer
 * tells. Not thread-safe.
 */
public final class AnswerEvaluator {
    private final ModelSequences sequences;
    private final List<ExactAnswer> answers;

    /** Creates an evaluator of answers that the model gave with exact attention; may be none. */
    public AnswerEvaluator(ChaiModel model, List<ExactAnswer> answers) {
        this(ModelSequences.of(model), answers);
    }

    AnswerEvaluator(ModelSequences sequences, List<ExactAnswer> answers) {
        this.sequences = sequences;
        this.answers = List.copyOf(answers);
    }

    /**
     * Measures an arm.
     *
     * @param progress told of answers done
     * @return a loss for each kind that there are answers of
     * @throws io.github.chaijlama.profile.ProfileException if the profile was made for another model
     * @throws io.github.chaijlama.kv.KvCacheFullException  if keys and values of an answer do not fit into the budget
     */
    public List<AnswerLoss> evaluate(Arm arm, Progress progress) {
        Map<AnswerKind, AnswerLoss> losses = new EnumMap<>(AnswerKind.class);
        for (int at = 0; at < answers.size(); at++) {
            ExactAnswer answer = answers.get(at);
            losses.merge(answer.kind(), measure(arm, answer), AnswerLoss::plus);
            progress.report(at + 1L, answers.size());
        }
        return List.copyOf(losses.values());
    }

    private AnswerLoss measure(Arm arm, ExactAnswer answer) {
        int[] expected = answer.tokens();
        boolean changed = false;
        boolean broken = false;
        try (PromptSession session = sequences.open(arm)) {
            int[] mostLikely = mostLikely(session, answer);
            for (int at = 0; at < expected.length; at++) {
                boolean lost = mostLikely[at] != expected[at];
                changed |= lost;
                broken |= lost && answer.sure()[at];
            }
        }
        return new AnswerLoss(answer.kind(), 1, changed ? 1 : 0, broken ? 1 : 0);
    }

    /** Returns what is expected most in the place of each token of an answer. */
    private static int[] mostLikely(PromptSession session, ExactAnswer answer) {
        int[] mostLikely = new int[answer.tokens().length];
        mostLikely[0] = Distribution.of(session.feed(answer.prompt())).mostLikely();
        session.endPrompt();
        if (mostLikely.length > 1) {
            float[][] logits = session.feedAll(Arrays.copyOf(answer.tokens(), mostLikely.length - 1));
            for (int at = 0; at < logits.length; at++) {
                mostLikely[at + 1] = Distribution.of(logits[at]).mostLikely();
            }
        }
        return mostLikely;
    }
}
