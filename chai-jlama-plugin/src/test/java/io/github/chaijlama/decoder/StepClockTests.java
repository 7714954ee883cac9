// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.StockActivations;
import io.github.chaijlama.StockModel;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.TestOperators;
import io.github.chaijlama.TokenModel;
import io.github.chaijlama.TokenSession;
import io.github.chaijlama.WeightType;
import io.github.chaijlama.families.FamilyModels;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;

import static org.assertj.core.api.Assertions.assertThat;

/** Timing a model changes nothing of what it says, and accounts for its time. */
@Tag("operators")
class StepClockTests {
    private static final int[] TOKENS = TestModels.tokens(40, 256, 1);

    private static TokenModel load(String name, boolean stock, StepClock clock) {
        Path directory = GoldenCases.directory(name);
        return stock ? StockModel.load(directory, ChaiOptions.stock(), StockActivations.F32, clock)
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

    private static StepClock.Products products(TokenModel model, StepClock clock, int... tokens) {
        try (TokenSession session = model.newSession()) {
            session.feed(TOKENS);
            clock.reset();
            session.feed(tokens);
            return clock.read().products();
        }
    }

    /** Counted by hand: hidden size 256, 8 heads of 32, 4 of them of keys; 512 inside; a vocabulary of 256. */
    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void productsAreCountedByTheWeightsThatAreMultiplied(boolean stock, @TempDir Path directory) {
        FamilyModels.write(directory, "llama-gqa",
                Map.of("hidden_size", 256, "intermediate_size", 512, "num_attention_heads", 8, "num_key_value_heads", 4,
                        "num_hidden_layers", 3, "vocab_size", 256));
        StepClock clock = new StepClock(3);
        try (TokenModel model = stock ? StockModel.load(directory, ChaiOptions.stock(), StockActivations.F32, clock)
                : ChaiModel.load(directory, TestOperators.exact(), clock)) {
            double layers = 3 * (2 * 256 * 256 + 2 * 128 * 256 + 3 * 256 * 512);
            double head = 256 * 256;
            StepClock.Products one = products(model, clock, 3);
            assertThat(one.multiplyAdds()).isEqualTo(layers + head);
            assertThat(one.weightBytes()).isEqualTo(Float.BYTES * (layers + head));
            assertThat(one.nanos()).isPositive();
            StepClock.Products five = products(model, clock, 3, 4, 5, 6, 7);
            assertThat(five.multiplyAdds()).isEqualTo(5 * layers + head);
            assertThat(five.weightBytes()).as("read once").isEqualTo(Float.BYTES * (layers + head));
        }
    }

    @Test
    void ofClustersAndFormatsCountsWhatIsNeeded() {
        Path directory = GoldenCases.directory("mha"); // 8 heads of 16
        ModelConfig config = ModelConfig.read(directory);
        ClusterProfile four = new ClusterProfile(config.shape(), List.of(4, 4, 4), Membership.defaults());
        ChaiOptions q4 = TestOperators.exact().with(change -> change.weights(WeightType.Q4));
        StepClock clock = new StepClock(3);
        double exact;
        try (ChaiModel model = ChaiModel.load(directory, TestOperators.exact(), clock)) {
            exact = products(model, clock, 3).multiplyAdds();
            try (ChaiSession session = model.newSession(four)) {
                session.feed(TOKENS);
                clock.reset();
                session.feed(3);
                assertThat(clock.read().products().multiplyAdds())
                        .isEqualTo(exact - 3.0 * 2 * 4 * 16 * config.hiddenSize());
            }
        }
        try (ChaiModel model = ChaiModel.load(directory, q4, clock)) {
            StepClock.Products products = products(model, clock, 3);
            assertThat(products.multiplyAdds()).isEqualTo(exact);
            assertThat(products.weightBytes()).as("half a byte, and a factor for 32").isEqualTo(exact * 0.625);
        }
    }

    /** 2 of 4 experts of 256 inside, hidden size 128. */
    @Test
    void ofExpertsCountsThoseThatWereChosen(@TempDir Path directory) {
        FamilyModels.write(directory, "mixtral");
        ModelConfig config = ModelConfig.read(directory);
        StepClock clock = new StepClock(config.layers());
        try (ChaiModel model = ChaiModel.load(directory, TestOperators.exact(), clock)) {
            double attention = 2.0 * 128 * (config.heads(0).queryLength() + config.heads(0).kvLength());
            double layer = attention + 4 * 128 + 2 * (3.0 * 128 * 256);
            double head = 128.0 * config.vocabularySize();
            StepClock.Products one = products(model, clock, 3);
            assertThat(one.multiplyAdds()).isEqualTo(config.layers() * layer + head);
            assertThat(one.weightBytes()).isEqualTo(Float.BYTES * (config.layers() * layer + head));
        }
    }
}
