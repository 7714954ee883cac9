// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import org.junit.jupiter.api.Test;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

class TextEvaluatorTests {
    private static final double[][] EXACT = { { 0.5, 0.25, 0.25 }, { 0.1, 0.8, 0.1 }, { 0.3, 0.3, 0.4 } };
    private static final double[][] OTHER = { { 0.25, 0.5, 0.25 }, { 0.2, 0.6, 0.2 }, { 0.3, 0.3, 0.4 } };
    private static final Arm ARM = new Arm("other", Optional.empty(), KvType.F32);

    private static FakeModel model() {
        return new FakeModel().arm("exact", 10, EXACT).arm("other", 7, OTHER);
    }

    private static double divergence(int token) {
        double sum = 0;
        for (int next = 0; next < 3; next++) {
            sum += EXACT[token][next] * Math.log(EXACT[token][next] / OTHER[token][next]);
        }
        return sum;
    }

    @Test
    void measuresWhatIsCalculatedByHand() {
        List<int[]> texts = List.of(new int[]{ 0, 1, 1 }, new int[]{ 1, 2 });
        TextEvaluation evaluation = new TextEvaluator(model(), 3, texts, 0).evaluate(List.of(ARM), Progress.NONE);

        // Text 1 predicts 1 after 0 and 1 after 1; text 2 predicts 2 after 1.
        double[] exactLosses = { -Math.log(0.25) - Math.log(0.8), -Math.log(0.1) };
        double[] losses = { -Math.log(0.5) - Math.log(0.6), -Math.log(0.2) };
        double mean = (losses[0] + losses[1]) / 3;
        double exactMean = (exactLosses[0] + exactLosses[1]) / 3;
        TextResult result = evaluation.arms().getFirst();
        assertThat(evaluation.texts()).isEqualTo(2);
        assertThat(evaluation.predictedTokens()).isEqualTo(3);
        assertThat(evaluation.exact().logLoss().value()).isCloseTo(exactMean, within(1e-6));
        assertThat(result.logLoss().value()).isCloseTo(mean, within(1e-6));
        assertThat(result.perplexity().value()).isCloseTo(Math.exp(mean), within(1e-6));
        assertThat(result.logLossDifference().value()).isCloseTo(mean - exactMean, within(1e-6));
        assertThat(result.perplexityIncrease().value()).isCloseTo(Math.exp(mean - exactMean) - 1, within(1e-6));
        assertThat(result.divergence().value()).isCloseTo((divergence(0) + 2 * divergence(1)) / 3, within(1e-6));
        assertThat(result.agreement().value()).isCloseTo(2.0 / 3, within(1e-12));
        assertThat(result.kvCacheBytes()).isEqualTo(35);
        assertThat(result.kvCacheRelative()).isCloseTo(0.7, within(1e-12));

        // Cochran's ratio estimator: residuals of each text from mean times tokens, over the tokens.
        double residual = losses[0] - mean * 2;
        double other = losses[1] - mean;
        double error = Math.sqrt((residual * residual + other * other) * 2 / 1) / 3;
        assertThat(result.logLoss().standardError()).isCloseTo(error, within(1e-6));
        assertThat(result.perplexity().standardError()).isCloseTo(Math.exp(mean) * error, within(1e-6));
    }

    @Test
    void exactAgainstExactDiffersInNothing() {
        TextEvaluation evaluation = new TextEvaluator(model(), 3, List.of(new int[]{ 0, 1, 2, 0 }, new int[]{ 2, 1 }),
                0)
                .evaluate(List.of(new Arm("exact", Optional.empty(), KvType.F32)), Progress.NONE);
        TextResult same = evaluation.arms().getFirst();
        assertThat(same.divergence()).isEqualTo(new Estimate(0, 0));
        assertThat(same.logLossDifference()).isEqualTo(new Estimate(0, 0));
        assertThat(same.perplexityIncrease()).isEqualTo(new Estimate(0, 0));
        assertThat(same.agreement()).isEqualTo(new Estimate(1, 0));
        assertThat(same.logLoss()).isEqualTo(evaluation.exact().logLoss());
    }

    @Test
    void standardErrorOfOneTextIsUnknown() {
        TextResult result = new TextEvaluator(model(), 3, List.of(new int[]{ 0, 1 }), 0)
                .evaluate(List.of(ARM), Progress.NONE).arms().getFirst();
        assertThat(result.logLoss().standardError()).isNaN();
        assertThat(result.divergence().standardError()).isNaN();
    }

    @Test
    void cacheSavesExactAttentionAsFarAsItReachesAndChangesNothing() {
        // A text of 600 tokens is more than a piece; the budget holds the first text and not the second.
        List<int[]> texts = List.of(TestModels.tokens(600, 3, 1), TestModels.tokens(600, 3, 2));
        TextEvaluation expected = new TextEvaluator(model(), 3, texts, 0).evaluate(List.of(ARM), Progress.NONE);
        FakeModel model = model();
        TextEvaluator evaluator = new TextEvaluator(model, 3, texts, 600 * 3 * Float.BYTES + 100);
        assertThat(evaluator.evaluate(List.of(ARM), Progress.NONE)).isEqualTo(expected);
        assertThat(model.fed()).isEqualTo(2400);
        assertThat(evaluator.evaluate(List.of(ARM), Progress.NONE)).isEqualTo(expected);
        assertThat(model.fed()).isEqualTo(2400 + 1800);
        assertThat(model.open()).isZero();
    }

    @Test
    void progressEndsAtAllTokens() {
        List<String> reports = new ArrayList<>();
        new TextEvaluator(model(), 3, List.of(new int[]{ 0, 1, 2 }, new int[]{ 1, 2 }), 0).evaluate(List.of(ARM),
                (done, total) -> reports.add(done + "/" + total));
        assertThat(reports).containsExactly("3/5", "5/5");
    }

    @Test
    void aModelMeasuresTheSameWhateverItIsComparedWith() {
        try (ChaiModel model = ChaiModel.load(GoldenCases.directory("mha"), ChaiOptions.exact())) {
            List<int[]> texts = List.of(TestModels.tokens(300, 256, 1), TestModels.tokens(4, 256, 2),
                    TestModels.tokens(40, 256, 3));
            Arm same = new Arm("same", new ClusterProfile(model.config().shape(), List.of(8, 8, 8),
                    Membership.defaults()));
            Arm few = new Arm("few", new ClusterProfile(model.config().shape(), List.of(8, 4, 2),
                    Membership.defaults()));
            TextEvaluator evaluator = new TextEvaluator(model, texts, TextEvaluator.DEFAULT_CACHE_BYTES);
            TextEvaluation both = evaluator.evaluate(List.of(same, few), Progress.NONE);
            TextResult nothing = both.arms().getFirst();
            TextResult loss = both.arms().getLast();
            assertThat(nothing.divergence().value()).isZero();
            assertThat(nothing.kvCacheRelative()).isEqualTo(1);
            assertThat(loss.divergence().value()).isPositive();
            assertThat(loss.agreement().value()).isBetween(0.0, 0.999);
            assertThat(loss.textsWithoutClusters()).isEqualTo(1);
            assertThat(loss.kvCacheRelative()).isCloseTo((340 * (24.0 + 14) + 4 * 48) / (344 * 48), within(1e-12));
            assertThat(evaluator.evaluate(List.of(few), Progress.NONE).arms()).containsExactly(loss);
            assertThat(model.kvCacheAllocatedBytes()).isZero();
        }
    }

    @Test
    void refusesTextsWithNothingToPredict() {
        assertThatThrownBy(() -> new TextEvaluator(model(), 3, List.of(), 0))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new TextEvaluator(model(), 3, List.of(new int[]{ 1 }), 0))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
