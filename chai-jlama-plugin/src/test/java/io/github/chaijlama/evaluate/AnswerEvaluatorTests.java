// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.List;
import java.util.Optional;

import org.junit.jupiter.api.Test;

import io.github.chaijlama.kv.KvType;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class AnswerEvaluatorTests {
    /** Behind 0 comes 1, behind 1 comes 2, behind 2 comes 0. */
    private static final double[][] EXACT = { { 0.1, 0.8, 0.1 }, { 0.1, 0.1, 0.8 }, { 0.8, 0.1, 0.1 } };
    /** Behind 1 comes 0. */
    private static final double[][] OTHER = { { 0.1, 0.8, 0.1 }, { 0.8, 0.1, 0.1 }, { 0.8, 0.1, 0.1 } };
    private static final Arm ARM = new Arm("other", Optional.empty(), KvType.F32);

    private static ExactAnswer answer(AnswerKind kind, int[] prompt, int[] tokens, boolean... sure) {
        return new ExactAnswer(kind, prompt, tokens, sure);
    }

    private static List<AnswerLoss> evaluate(FakeModel model, ExactAnswer... answers) {
        return new AnswerEvaluator(model, List.of(answers)).evaluate(ARM, Progress.NONE);
    }

    private static FakeModel model() {
        return new FakeModel().arm("exact", 10, EXACT).arm("other", 7, OTHER);
    }

    @Test
    void anAnswerIsBrokenWhereASureTokenIsLostAndChangedWhereAnotherIs() {
        FakeModel model = model();
        int[] zero = { 0 };

        assertThat(evaluate(model, answer(AnswerKind.STRUCTURED, zero, new int[]{ 1 }, true)))
                .containsExactly(new AnswerLoss(AnswerKind.STRUCTURED, 1, 0, 0));
        assertThat(evaluate(model, answer(AnswerKind.STRUCTURED, zero, new int[]{ 1, 2, 0 }, true, false, true)))
                .containsExactly(new AnswerLoss(AnswerKind.STRUCTURED, 1, 1, 0));
        assertThat(evaluate(model, answer(AnswerKind.STRUCTURED, zero, new int[]{ 1, 2, 0 }, false, true, false)))
                .containsExactly(new AnswerLoss(AnswerKind.STRUCTURED, 1, 1, 1));
        assertThat(evaluate(model, answer(AnswerKind.STRUCTURED, new int[]{ 0, 1 }, new int[]{ 2 }, true)))
                .containsExactly(new AnswerLoss(AnswerKind.STRUCTURED, 1, 1, 1));
        assertThat(model.open()).isZero();
    }

    @Test
    void kindsAreCountedApart() {
        int[] one = { 1 };
        assertThat(evaluate(model(), answer(AnswerKind.STRUCTURED, one, new int[]{ 2 }, true),
                answer(AnswerKind.FIRST_MESSAGE, one, new int[]{ 0 }, true),
                answer(AnswerKind.FIRST_MESSAGE, one, new int[]{ 2 }, false)))
                .containsExactly(new AnswerLoss(AnswerKind.FIRST_MESSAGE, 2, 1, 0),
                        new AnswerLoss(AnswerKind.STRUCTURED, 1, 1, 1));
        assertThat(evaluate(model())).isEmpty();
    }

    @Test
    void anAnswerHasAMarkForEachToken() {
        assertThatThrownBy(() -> answer(AnswerKind.STRUCTURED, new int[]{ 1 }, new int[]{ 2, 0 }, true))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("2 tokens");
        assertThatThrownBy(() -> answer(AnswerKind.STRUCTURED, new int[]{ 1 }, new int[]{}))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("at least 1 token");
    }
}
