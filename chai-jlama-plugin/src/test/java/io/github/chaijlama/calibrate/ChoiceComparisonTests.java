// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.TestModels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ChoiceComparisonTests {
    private static ChaiModel model;

    @BeforeAll
    static void load() {
        model = ChaiModel.load(GoldenCases.directory("gqa"), ChaiOptions.exact());
    }

    @AfterAll
    static void close() {
        model.close();
    }

    /** Texts that begin with the same three tokens. */
    private static List<int[]> texts(int count) {
        List<int[]> texts = new ArrayList<>();
        for (int text = 0; text < count; text++) {
            int[] tokens = TestModels.tokens(30 + text, 256, text);
            System.arraycopy(new int[]{ 1, 2, 3 }, 0, tokens, 0, 3);
            tokens[3] = 10 + text;
            texts.add(tokens);
        }
        return texts;
    }

    private static List<ComparedChoice> compare(ClusterCounts counts, List<int[]> texts) {
        return new ChoiceComparison(model, counts, 5, CalibrationProgress.NONE).run(texts, 3);
    }

    @Test
    void asManyClustersAsHeadsCostNothingHoweverTheyAreFound() {
        assertThat(compare(ClusterCounts.exact(model.config().shape()), texts(8))).allSatisfy(choice -> {
            assertThat(choice.divergence().value()).as(choice.name()).isZero();
            assertThat(choice.logLossDifference().value()).as(choice.name()).isZero();
            assertThat(choice.memberships()).as(choice.name()).isEqualTo(1);
            assertThat(choice.texts()).isEqualTo(3);
        });
    }

    @Test
    void everyWayIsMeasuredAndTheSameSeedFindsTheSame() {
        ClusterCounts counts = ClusterCounts.exact(model.config().shape()).with(0, 2).with(1, 3).with(2, 1);
        List<ComparedChoice> choices = compare(counts, texts(8));

        assertThat(choices).extracting(ComparedChoice::name).doesNotHaveDuplicates()
                .contains("online, window 5, AGGLOMERATIVE, FIRST", "online, window 16 after 3, KMEANS, MEDOID",
                        "prompt, KMEANS, FIRST", "static, AGGLOMERATIVE, MEDOID", "static, OUTPUT", "random, draw 3")
                .hasSize(2 * 2 * (2 * 3 + 2) + 1 + 3);
        assertThat(choices).allSatisfy(choice -> {
            assertThat(choice.divergence().value()).as(choice.name()).isNotNegative();
            assertThat(choice.divergence().standardError()).as(choice.name()).isFinite();
        });
        assertThat(choices).filteredOn(choice -> choice.name().startsWith("static")
                || choice.name().startsWith("random")).allSatisfy(choice -> {
                    assertThat(choice.divergence().value()).as(choice.name()).isPositive();
                    assertThat(choice.memberships()).as(choice.name()).isEqualTo(1);
                });
        assertThat(compare(counts, texts(8))).isEqualTo(choices);
    }

    @Test
    void theHeaderIsWhatAllTextsBeginWith() {
        assertThat(ChoiceComparison.commonPrefix(texts(5))).isEqualTo(3);
        assertThat(ChoiceComparison.commonPrefix(List.of(new int[]{ 1, 2 }, new int[]{ 1 }))).isEqualTo(1);
        assertThat(ChoiceComparison.commonPrefix(List.of(new int[]{ 1, 2 }, new int[]{ 2 }))).isZero();
    }

    @Test
    void tooFewTextsSaySo() {
        List<int[]> texts = texts(4);
        texts.set(0, new int[]{ 1, 2, 3 });

        assertThatThrownBy(() -> compare(ClusterCounts.exact(model.config().shape()), texts))
                .isInstanceOf(CalibrationException.class)
                .hasMessage("a comparison needs at least 4 texts of at least 4 tokens, found 3");
    }
}
