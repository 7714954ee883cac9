// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.families;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.Operators;
import io.github.chaijlama.StockModel;
import io.github.chaijlama.StockSession;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.TestOperators;
import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/**
 * Families against {@link ScalarTransformer}, and against Jlama's own attention where that is right; those that Jlama
 * does not know are in {@link GoldenFamilyTests}.
 */
@Tag("operators")
class FamilyTests {
    private static final double TOLERANCE = 3e-4;
    private static final int[] LENGTHS = { 1, 2, 5, 11, 12, 13, 14, 40, 150 };

    @TempDir
    static Path directory;

    static List<String> names() {
        return FamilyModels.names();
    }

    private static Path model(String name) {
        return FamilyModels.write(directory.resolve(name), name);
    }

    @ParameterizedTest
    @MethodSource("names")
    void exactAndClusteredAgreeWithPlainLoops(String name) {
        assertAgreesWithPlainLoops(model(name), 150, LENGTHS);
    }

    @ParameterizedTest
    @CsvSource({ "mistral, 6", "qwen2, 8", "granite, 8", "gemma, 4", "gemma2, 4", "mixtral, 4" })
    void withAsManyKvHeadsAsHeadsToo(String name, int heads) {
        Path model = FamilyModels.write(directory.resolve(name + "-mha"), name, Map.of("num_key_value_heads", heads));
        assertAgreesWithPlainLoops(model, 40, 5, 40);
    }

    private static void assertAgreesWithPlainLoops(Path model, int longest, int... lengths) {
        ScalarTransformer reference = new ScalarTransformer(model);
        ModelConfig config = ModelConfig.read(model);
        int[] tokens = TestModels.tokens(longest, config.vocabularySize(), 1);
        double[][] expected = reference.allLogits(tokens, null);
        ClusterProfile profile = TestModels.randomStatic(config.shape(), longest);
        double[][] clustered = reference.allLogits(tokens, ((Membership.Static) profile.membership()).layers());
        for (Operators operators : TestOperators.all()) {
            try (ChaiModel chai = ChaiModel.load(model, TestOperators.exact(operators))) {
                for (int length : lengths) {
                    try (ChaiSession session = chai.newSession()) {
                        assertClose(session.feed(Arrays.copyOf(tokens, length)), floats(expected[length - 1]),
                                operators + ", exact, " + length + " tokens");
                    }
                    try (ChaiSession session = chai.newSession(profile)) {
                        assertClose(session.feed(Arrays.copyOf(tokens, length)), floats(clustered[length - 1]),
                                operators + ", clustered, " + length + " tokens");
                    }
                }
            }
        }
    }

    private static float[] floats(double[] values) {
        float[] floats = new float[values.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) values[i];
        }
        return floats;
    }

    /** One token after the other, and in uneven pieces: rows and tiles take different ways through windows and caps. */
    @ParameterizedTest
    @MethodSource("names")
    void howAPromptIsCutMakesNoDifference(String name) {
        Path model = model(name);
        try (ChaiModel chai = ChaiModel.load(model, TestOperators.exact())) {
            int[] tokens = TestModels.tokens(60, chai.config().vocabularySize(), 3);
            ClusterProfile online = new ClusterProfile(chai.config().shape(),
                    Collections.nCopies(chai.config().layers(), Math.max(1, chai.config().numberOfHeads() / 2)),
                    new Membership.Online(15, 2, ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.FIRST));
            for (ClusterProfile profile : List.of(ClusterProfile.exact(chai.config().shape()), online)) {
                float[] whole = feed(chai, profile, tokens, 60);
                for (int step : new int[]{ 1, 7, 16 }) {
                    assertClose(feed(chai, profile, tokens, step), whole, step + " at a time");
                }
            }
        }
    }

    private static float[] feed(ChaiModel chai, ClusterProfile profile, int[] tokens, int step) {
        try (ChaiSession session = chai.newSession(profile)) {
            float[] logits = null;
            for (int from = 0; from < tokens.length; from += step) {
                logits = session.feed(Arrays.copyOfRange(tokens, from, Math.min(tokens.length, from + step)));
            }
            return logits;
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    void everyHeadItsOwnClusterIsExact(String name) {
        Path model = model(name);
        try (ChaiModel chai = ChaiModel.load(model, TestOperators.exact())) {
            int heads = chai.config().numberOfHeads();
            int layers = chai.config().layers();
            ClusterProfile identity = new ClusterProfile(chai.config().shape(), Collections.nCopies(layers, heads),
                    new Membership.Static(Collections.nCopies(layers, HeadClusters.identity(heads))));
            int[] tokens = TestModels.tokens(33, chai.config().vocabularySize(), 8);
            try (ChaiSession exact = chai.newSession(); ChaiSession clustered = chai.newSession(identity)) {
                assertThat(TestModels.maxDifference(exact.feed(tokens), clustered.feed(tokens))).isLessThan(1e-5);
            }
        }
    }

    /** Sizes that Jlama's own operators compute whole, and configurations it understands. */
    static Stream<Arguments> whereStockIsRight() {
        return Stream.of(Arguments.of("llama-mha", Map.of()), Arguments.of("llama-gqa", Map.of()),
                Arguments.of("llama-tied", Map.of()), Arguments.of("llama-linear", Map.of()),
                Arguments.of("llama-dynamic", Map.of()), Arguments.of("mistral", Map.of("num_attention_heads", 4)),
                Arguments.of("qwen2", Map.of()), Arguments.of("granite", Map.of()),
                Arguments.of("gemma", Map.of("hidden_size", 256)), Arguments.of("gemma2", Map.of("hidden_size", 256)),
                Arguments.of("gpt2", Map.of()));
    }

    @ParameterizedTest
    @MethodSource("whereStockIsRight")
    void exactAgreesWithStock(String name, Map<String, Object> overrides) {
        Path model = FamilyModels.write(directory.resolve(name + "-stock"), name, overrides);
        try (ChaiModel chai = ChaiModel.load(model, TestOperators.exact());
                StockModel stock = StockModel.load(model, ChaiOptions.stock())) {
            for (int length : new int[]{ 1, 5, 9 }) {
                int[] tokens = TestModels.tokens(length, chai.config().vocabularySize(), length);
                List<Integer> ourText = new ArrayList<>();
                List<Integer> theirText = new ArrayList<>();
                try (ChaiSession ours = chai.newSession(); StockSession theirs = stock.newSession()) {
                    float[] a = ours.feed(tokens);
                    float[] b = theirs.feed(tokens);
                    for (int i = 0; i < 3; i++) {
                        assertClose(a, b, length + " tokens + " + i);
                        ourText.add(TestModels.mostLikely(a));
                        theirText.add(TestModels.mostLikely(b));
                        a = ours.feed(ourText.getLast());
                        b = theirs.feed(theirText.getLast());
                    }
                }
                assertThat(ourText).isEqualTo(theirText);
            }
        }
    }

    @Test
    void stockIsRefusedWhereItIsWrong() {
        for (String name : List.of("mistral", "mixtral", "llama-yarn", "llama-llama3", "gemma")) {
            Path model = model(name);
            assertThatThrownBy(() -> StockModel.load(model, ChaiOptions.stock()).close()).as(name)
                    .isInstanceOf(ModelLoadException.class).hasMessageContaining("Jlama 0.8.4's own")
                    .hasMessageContaining("wrongly");
        }
    }

    /** Biases that Jlama's class for Llama does not know, and functions that none of its classes does. */
    @ParameterizedTest
    @CsvSource({ "attention_bias, true", "mlp_bias, true", "hidden_act, relu", "hidden_act, gelu" })
    void stockIsRefusedWhatItWouldPassOver(String key, String value) {
        Object setting = value.equals("true") ? (Object) true : value;
        Path model = FamilyModels.write(directory.resolve(key + value), "llama-gqa", Map.of(key, setting));
        ChaiModel.load(model, TestOperators.exact()).close();
        assertThatThrownBy(() -> StockModel.load(model, ChaiOptions.stock()).close())
                .isInstanceOf(ModelLoadException.class).hasMessageContaining("wrongly");
    }

    @Test
    void stockEndsWhereTheWindowWould() {
        Path model = FamilyModels.write(directory.resolve("short"), "mistral-window",
                Map.of("num_attention_heads", 4));
        try (StockModel stock = StockModel.load(model, ChaiOptions.stock())) {
            assertThat(stock.config().contextLength()).isEqualTo(12);
        }
    }

    private static void assertClose(float[] actual, float[] expected, String what) {
        assertThat(TestModels.maxDifference(actual, expected)).as(what).isLessThan(TOLERANCE);
    }
}
