// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.StockModel;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.TestOperators;
import io.github.chaijlama.TokenModel;
import io.github.chaijlama.TokenSession;

import static org.assertj.core.api.Assertions.assertThat;

/** Timing a model changes nothing of what it says, and accounts for its time. */
@Tag("operators")
class StepClockTests {
    private static final int[] TOKENS = TestModels.tokens(40, 256, 1);

    private static TokenModel load(String name, boolean stock, StepClock clock) {
        Path directory = GoldenCases.directory(name);
        return stock ? StockModel.load(directory, ChaiOptions.stock(), clock)
                : ChaiModel.load(directory, TestOperators.exact(), clock);
    }

    private static List<float[]> logits(TokenModel model) {
        try (TokenSession session = model.newSession()) {
            return List.of(session.feed(TOKENS), session.feed(3), session.feed(4));
        }
    }

    @ParameterizedTest
    @CsvSource({ "mha, true", "mha, false", "gqa, true", "gqa, false" })
    void observingChangesNoResult(String name, boolean stock) {
        Path directory = GoldenCases.directory(name);
        try (TokenModel plain = TokenModel.load(directory, stock ? ChaiOptions.stock() : TestOperators.exact());
                TokenModel timed = load(name, stock, new StepClock(3))) {
            List<float[]> expected = logits(plain);
            List<float[]> found = logits(timed);
            for (int i = 0; i < expected.size(); i++) {
                assertThat(TestModels.maxDifference(found.get(i), expected.get(i))).isLessThan(1e-4);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({ "mha, true", "mha, false", "gqa, true", "gqa, false" })
    void partsLieInsideOfLayersAndLayersInsideOfTheStep(String name, boolean stock) {
        StepClock clock = new StepClock(3);
        try (TokenModel model = load(name, stock, clock)) {
            logits(model);
            clock.reset();
            long start = System.nanoTime();
            logits(model);
            long total = System.nanoTime() - start;
            StepClock.Reading times = clock.read();
            assertThat(Arrays.stream(times.blocks()).boxed()).hasSize(3).allMatch(nanos -> nanos > 0);
            long blocks = Arrays.stream(times.blocks()).sum();
            long parts = Arrays.stream(times.attention()).sum() + times.projections() + times.feedForward();
            assertThat(times.projections()).isPositive();
            assertThat(times.feedForward()).isPositive();
            assertThat(times.head()).isPositive();
            assertThat(parts).isPositive().isLessThan(blocks);
            assertThat(blocks + times.head() + times.paused()).isLessThan(total);
            if (stock) {
                assertThat(times.paused()).isPositive();
            } else {
                assertThat(times.paused()).isZero();
                assertThat(Arrays.stream(times.attention()).boxed()).allMatch(nanos -> nanos > 0);
            }
            clock.reset();
            assertThat(clock.read().blocks()).containsOnly(0);
            assertThat(clock.read().head() + clock.read().projections() + clock.read().paused()).isZero();
        }
    }
}
