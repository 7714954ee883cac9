// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Exact attention against Jlama's own, where Jlama's own is right: every length of these models is a multiple of 128.
 */
@Tag("operators")
class StockComparisonTests {
    /** 32-bit arithmetic in a different order left 9.5e-7 at most, logits reaching 2.7 (measured, both operators). */
    private static final double TOLERANCE = 1e-4;
    /** On Pocket it left 6.0e-5 at most, logits reaching 26 (measured, both operators). */
    private static final double POCKET_TOLERANCE = 1e-3;

    @ParameterizedTest
    @ValueSource(strings = { "mha", "gqa" })
    void sameLogitsAndSameGreedyText(String model) {
        Path directory = GoldenCases.directory(model);
        try (ChaiModel chai = ChaiModel.load(directory, TestOperators.exact());
                StockModel stock = StockModel.load(directory, ChaiOptions.stock())) {
            for (int length : new int[]{ 1, 2, 5, 17, 64, 128, 257, 600 }) {
                int[] prompt = TestModels.tokens(length, 256, length);
                compare(chai, stock, prompt, 24, TOLERANCE);
            }
        }
    }

    /**
     * Pocket's weights are BF16; both sides multiply them with 32-bit rows, so what differs is the order of sums alone.
     */
    @Test
    void onPocketToo() {
        try (ChaiModel chai = ChaiModel.load(TestModels.POCKET, TestOperators.exact());
                StockModel stock = StockModel.load(TestModels.POCKET, ChaiOptions.stock())) {
            for (int length : new int[]{ 1, 3, 14, 78, 300 }) {
                compare(chai, stock, TestModels.tokens(length, 1024, length), 40, POCKET_TOLERANCE);
            }
        }
    }

    private static void compare(ChaiModel chai, StockModel stock, int[] prompt, int generated, double tolerance) {
        try (ChaiSession ours = chai.newSession(); StockSession theirs = stock.newSession()) {
            float[] a = ours.feed(prompt);
            float[] b = theirs.feed(prompt);
            List<Integer> ourText = new ArrayList<>();
            List<Integer> theirText = new ArrayList<>();
            for (int i = 0; i < generated; i++) {
                assertThat(TestModels.maxDifference(a, b)).as("%d tokens + %d", prompt.length, i)
                        .isLessThan(tolerance);
                ourText.add(TestModels.mostLikely(a));
                theirText.add(TestModels.mostLikely(b));
                a = ours.feed(ourText.getLast());
                b = theirs.feed(theirText.getLast());
            }
            assertThat(ourText).isEqualTo(theirText);
        }
    }
}
