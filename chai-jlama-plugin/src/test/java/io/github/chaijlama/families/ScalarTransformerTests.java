// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.families;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.node.NullNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.GoldenCases.GoldenCase;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.profile.Membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

/** The reference itself, against another one for Llama and against what can be worked out by hand. */
class ScalarTransformerTests {
    private static final int[] TOKENS = TestModels.tokens(40, 256, 1);

    @TempDir
    Path directory;
    private int models;

    /** Those whose clusters are known from the start, or not decided at the end. */
    static Stream<GoldenCase> goldenCases() {
        return GoldenCases.all().stream()
                .filter(golden -> fixedClusters(golden) != null || golden.maxDifferenceFromExact() == 0);
    }

    private static List<HeadClusters> fixedClusters(GoldenCase golden) {
        return golden.profile() != null && golden.profile().membership() instanceof Membership.Static fixed
                ? fixed.layers()
                : null;
    }

    /** Another implementation in float64, in Python. */
    @ParameterizedTest
    @MethodSource("goldenCases")
    void agreesWithTheGoldenCases(GoldenCase golden) {
        float[] logits = new ScalarTransformer(golden.directory()).logits(golden.tokens(), fixedClusters(golden));
        // The cases have six digits behind the point.
        assertThat(TestModels.maxDifference(logits, golden.logits())).isLessThan(2e-6);
    }

    @Test
    void llamaWithoutKvHeadsHasOneForEveryHead() {
        assertThat(model("llama-without-kv-heads", Map.of()).allLogits(TOKENS, null))
                .isDeepEqualTo(model("llama-mha", Map.of()).allLogits(TOKENS, null));
    }

    @ParameterizedTest
    @ValueSource(strings = { "llama-gqa", "mixtral" })
    void aTiedOutputIsTheEmbedding(String name) {
        ScalarTransformer tied = model(name, Map.of("tie_word_embeddings", true));
        ScalarTransformer untied = model(name, Map.of("tie_word_embeddings", false));
        double[][] different = untied.allLogits(TOKENS, null);
        for (String tensor : List.of("model.embed_tokens.weight", "lm_head.weight")) {
            untied.weights().put(tensor, tied.weights().get("model.embed_tokens.weight"));
        }
        double[][] logits = tied.allLogits(TOKENS, null);
        assertThat(untied.allLogits(TOKENS, null)).isDeepEqualTo(logits);
        assertThat(difference(logits, different, 0, 40)).isGreaterThan(1e-2);
    }

    @Test
    void theLastLogitsAreTheLastOfAll() {
        ScalarTransformer model = model("gemma2", Map.of());
        double[] last = model.allLogits(TOKENS, null)[39];
        float[] logits = model.logits(TOKENS, null);
        for (int i = 0; i < last.length; i++) {
            assertThat(logits[i]).isEqualTo((float) last[i]);
        }
    }

    @ParameterizedTest
    @MethodSource("io.github.chaijlama.families.FamilyModels#names")
    void logitsAreOfOrderOneAndDependOnAllThatCameBefore(String name) {
        ScalarTransformer model = model(name, Map.of());
        double[][] logits = model.allLogits(TOKENS, null);
        double square = 0;
        for (double logit : logits[39]) {
            square += logit * logit / 256;
        }
        assertThat(Math.sqrt(square)).isBetween(0.2, 4.0);
        int[] other = TOKENS.clone();
        other[20]++;
        double[][] changed = model.allLogits(other, null);
        assertThat(difference(logits, changed, 0, 20)).isZero();
        for (int t = 20; t < 40; t++) {
            assertThat(difference(logits, changed, t, t + 1)).as("position %d", t).isGreaterThan(1e-3);
        }
    }

    /** Nothing is forgotten: every tensor has a say, but for the mask in GPT-2's files. */
    @ParameterizedTest
    @ValueSource(strings = { "llama-gqa", "mistral", "qwen2", "granite", "gemma", "gemma2", "mixtral",
            "gpt2-prefixed" })
    void everyTensorMatters(String name) {
        ScalarTransformer model = model(name, Map.of("num_hidden_layers", 2, "n_layer", 2));
        int[] tokens = Arrays.copyOf(TOKENS, 13);
        double[][] logits = model.allLogits(tokens, null);
        for (String tensor : model.weights().names()) {
            double[] values = model.weights().get(tensor);
            double[] changed = values.clone();
            for (int i = 0; i < values.length; i += 2) {
                changed[i] *= 1.5;
            }
            model.weights().put(tensor, changed);
            double difference = difference(model.allLogits(tokens, null), logits, 0, 13);
            if (tensor.equals("h.0.attn.bias")) {
                assertThat(difference).isZero();
            } else {
                assertThat(difference).as(tensor).isGreaterThan(1e-3);
            }
            model.weights().put(tensor, values);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = { "mistral-window", "qwen2-window", "gemma2", "mixtral" })
    void windowAsLongAsTheTextChangesNothing(String name) {
        double[][] unlimited = model(name, Map.of("sliding_window", NullNode.getInstance())).allLogits(TOKENS, null);
        double[][] whole = model(name, Map.of("sliding_window", 40)).allLogits(TOKENS, null);
        assertThat(whole).isDeepEqualTo(unlimited);
        double[][] shorter = model(name, Map.of("sliding_window", 39)).allLogits(TOKENS, null);
        assertThat(difference(shorter, unlimited, 0, 39)).isZero();
        assertThat(difference(shorter, unlimited, 39, 40)).isGreaterThan(1e-6);
        double[][] twelve = model(name, Map.of("sliding_window", 12)).allLogits(TOKENS, null);
        assertThat(difference(twelve, unlimited, 0, 12)).isZero();
        assertThat(difference(twelve, unlimited, 12, 40)).isGreaterThan(1e-2);
    }

    /** Each of three layers sees eleven positions further back. */
    @Test
    void windowsReachThirtyThreePositionsBackInThreeLayers() {
        for (ScalarTransformer model : List.of(model("mistral-window", Map.of()), model("qwen2-window",
                Map.of("num_hidden_layers", 3, "max_window_layers", 0)))) {
            double[][] logits = model.allLogits(TOKENS, null);
            int[] tokens = TOKENS.clone();
            tokens[5]++;
            double[][] changed = model.allLogits(tokens, null);
            assertThat(difference(changed, logits, 38, 39)).isPositive();
            assertThat(difference(changed, logits, 39, 40)).isZero();
        }
    }

    /**
     * With a window of 1 a layer sees nothing of earlier positions; the other layers are made to see nothing at all.
     */
    @ParameterizedTest
    @CsvSource({ "gemma2,0,2,1,3", "qwen2-window,2,3,0,1" })
    void windowIsInSomeLayersOnly(String name, int windowed, int alsoWindowed, int full, int alsoFull) {
        ScalarTransformer onlyWindows = model(name, Map.of("sliding_window", 1));
        silence(onlyWindows, full);
        silence(onlyWindows, alsoFull);
        assertThat(onlyWindows.allLogits(TOKENS, null)[39])
                .containsExactly(onlyWindows.allLogits(new int[]{ TOKENS[39] }, null)[0], within(1e-9));
        for (int layer : new int[]{ full, alsoFull }) {
            ScalarTransformer oneFull = model(name, Map.of("sliding_window", 1));
            silence(oneFull, windowed);
            silence(oneFull, alsoWindowed);
            silence(oneFull, full + alsoFull - layer);
            int[] other = TOKENS.clone();
            other[0]++;
            assertThat(difference(oneFull.allLogits(TOKENS, null), oneFull.allLogits(other, null), 39, 40))
                    .isGreaterThan(1e-6);
        }
    }

    @Test
    void qwen2HasNoWindowUnlessAskedTo() {
        double[][] logits = model("qwen2", Map.of()).allLogits(TOKENS, null);
        assertThat(model("qwen2", Map.of("sliding_window", 1)).allLogits(TOKENS, null)).isDeepEqualTo(logits);
        assertThat(model("qwen2", Map.of("use_sliding_window", true, "max_window_layers", 3)).allLogits(TOKENS, null))
                .isDeepEqualTo(logits);
        assertThat(difference(model("qwen2", Map.of("use_sliding_window", true)).allLogits(TOKENS, null), logits, 39,
                40)).isGreaterThan(1e-2);
    }

    @Test
    void graniteWithoutResidualsIsAnEmbeddingAndAnOutput() {
        ScalarTransformer model = model("granite", Map.of("residual_multiplier", 0.0));
        double[] logits = model.allLogits(TOKENS, null)[39];
        double[] embedding = model.weights().get("model.embed_tokens.weight");
        double[] norm = model.weights().get("model.norm.weight");
        double square = 0;
        for (int i = 0; i < 256; i++) {
            square += Math.pow(6 * embedding[TOKENS[39] * 256 + i], 2) / 256;
        }
        for (int token = 0; token < 256; token++) {
            double dot = 0;
            for (int i = 0; i < 256; i++) {
                dot += 6 * embedding[TOKENS[39] * 256 + i] * norm[i] * embedding[token * 256 + i];
            }
            assertThat(logits[token]).isCloseTo(dot / Math.sqrt(square + 1e-5) / 4, within(1e-9));
        }
    }

    @Test
    void graniteWithTheUsualFactorsIsALlama() {
        double[][] granite = model("granite", Map.of("embedding_multiplier", 1, "attention_multiplier",
                1 / Math.sqrt(32), "residual_multiplier", 1, "logits_scaling", 1)).allLogits(TOKENS, null);
        assertThat(difference(granite, model("llama-tied", Map.of()).allLogits(TOKENS, null), 0, 40)).isLessThan(1e-9);
    }

    @Test
    void gemma2CapsAndScalesAsItsConfigurationSays() {
        double[][] logits = model("gemma2", Map.of()).allLogits(TOKENS, null);
        Map<String, Object> uncapped = new HashMap<>(Map.of("final_logit_softcapping", NullNode.getInstance()));
        double[][] raw = model("gemma2", uncapped).allLogits(TOKENS, null);
        for (int token = 0; token < 256; token++) {
            assertThat(logits[39][token]).isCloseTo(3 * Math.tanh(raw[39][token] / 3), within(1e-9));
        }
        uncapped.put("attn_logit_softcapping", 1e6);
        double[][] almost = model("gemma2", uncapped).allLogits(TOKENS, null);
        uncapped.put("attn_logit_softcapping", NullNode.getInstance());
        double[][] never = model("gemma2", uncapped).allLogits(TOKENS, null);
        assertThat(difference(almost, never, 0, 40)).isLessThan(1e-6);
        assertThat(difference(raw, never, 1, 40)).isGreaterThan(1e-2);
        uncapped.put("query_pre_attn_scalar", 64);
        double[][] usual = model("gemma2", uncapped).allLogits(TOKENS, null);
        assertThat(difference(usual, never, 1, 40)).isGreaterThan(1e-2);
    }

    /** A norm's result is as large as its weight: with -1, which Gemma adds 1 to, nothing is left. */
    @ParameterizedTest
    @ValueSource(strings = { "gemma", "gemma2" })
    void gemmaAddsOneToTheWeightsOfNorms(String name) {
        ScalarTransformer model = model(name, Map.of());
        Arrays.fill(model.weights().get("model.norm.weight"), -1);
        assertThat(model.allLogits(TOKENS, null)[39]).containsOnly(0);
        ScalarTransformer alone = model(name, Map.of("final_logit_softcapping", NullNode.getInstance()));
        for (int layer = 0; layer < 4; layer++) {
            for (String norm : name.equals("gemma") ? List.of("input_layernorm", "post_attention_layernorm")
                    : List.of("post_attention_layernorm", "post_feedforward_layernorm")) {
                alone.weights().put("model.layers." + layer + "." + norm + ".weight", filled(128, -1));
            }
        }
        Arrays.fill(alone.weights().get("model.norm.weight"), 0);
        double[] logits = alone.allLogits(TOKENS, null)[39];
        double[] embedding = alone.weights().get("model.embed_tokens.weight");
        double square = 0;
        double dot = 0;
        for (int i = 0; i < 128; i++) {
            square += embedding[TOKENS[39] * 128 + i] * embedding[TOKENS[39] * 128 + i];
            dot += embedding[TOKENS[39] * 128 + i] * embedding[i];
        }
        // The mean square of the row times sqrt(128) is the row's square.
        assertThat(logits[0]).isCloseTo(dot * Math.sqrt(128) / Math.sqrt(square + 1e-6), within(1e-9));
    }

    @Test
    void sharesOfExpertsAreInProportion() {
        double[] logits = { Math.log(2), Math.log(4), Math.log(1), Math.log(3) };
        assertThat(ScalarMath.mixture(logits, 2)).containsExactly(new double[]{ 0, 4 / 7.0, 0, 3 / 7.0 },
                within(1e-12));
        assertThat(ScalarMath.mixture(logits, 4)).containsExactly(new double[]{ 0.2, 0.4, 0.1, 0.3 },
                within(1e-12));
    }

    @Test
    void mixtralOfEqualExpertsIsOneFeedForwardNetwork() {
        ScalarTransformer mixtral = model("mixtral", Map.of());
        double[][] different = mixtral.allLogits(TOKENS, null);
        ScalarTransformer llama = model("llama-gqa", Map.of("hidden_size", 128, "intermediate_size", 256,
                "num_attention_heads", 4, "rope_theta", 1000000.0));
        for (int layer = 0; layer < 3; layer++) {
            String prefix = "model.layers." + layer + ".";
            for (int expert = 0; expert < 4; expert++) {
                String to = prefix + "block_sparse_moe.experts." + expert;
                mixtral.weights().put(to + ".w1.weight", llama.weights().get(prefix + "mlp.gate_proj.weight"));
                mixtral.weights().put(to + ".w2.weight", llama.weights().get(prefix + "mlp.down_proj.weight"));
                mixtral.weights().put(to + ".w3.weight", llama.weights().get(prefix + "mlp.up_proj.weight"));
            }
        }
        double[][] equal = mixtral.allLogits(TOKENS, null);
        assertThat(difference(equal, llama.allLogits(TOKENS, null), 0, 40)).isLessThan(1e-9);
        assertThat(difference(equal, different, 0, 40)).isGreaterThan(1e-2);
    }

    @Test
    void positionsMatterToGpt2() {
        ScalarTransformer model = model("gpt2", Map.of());
        int[] same = filledTokens(5);
        double[][] logits = model.allLogits(same, null);
        assertThat(difference(new double[][]{ logits[0] }, new double[][]{ logits[4] }, 0, 1)).isGreaterThan(1e-2);
        Arrays.fill(model.weights().get("wpe.weight"), 0);
        double[][] nowhere = model.allLogits(same, null);
        assertThat(nowhere[4]).containsExactly(nowhere[0], within(1e-9));
    }

    @Test
    void prefixOfGpt2ChangesNothing() {
        assertThat(model("gpt2-prefixed", Map.of()).allLogits(TOKENS, null))
                .isDeepEqualTo(model("gpt2", Map.of()).allLogits(TOKENS, null));
    }

    @Test
    void weightsOfGpt2HaveInputsAsRows() {
        ScalarWeights weights = model("gpt2", Map.of()).weights();
        weights.put("test.weight", new double[]{ 1, 2, 3, 4, 5, 6 });
        weights.put("test.bias", new double[]{ 100, 200, 300 });
        assertThat(weights.conv1d("test", new double[]{ 1, 10 })).containsExactly(141, 252, 363);
        assertThat(weights.multiply("test", new double[]{ 1, 10 })).containsExactly(21, 43, 65);
    }

    /** LayerNorm leaves no mean: adding the same to all values of the embeddings is not seen by anything after. */
    @Test
    void gpt2DoesNotSeeTheMeanOfARow() {
        ScalarTransformer model = model("gpt2", Map.of());
        double[][] logits = model.allLogits(TOKENS, null);
        double[] positions = model.weights().get("wpe.weight");
        for (int i = 0; i < positions.length; i++) {
            positions[i] += 3;
        }
        assertThat(difference(model.allLogits(TOKENS, null), logits, 0, 40)).isLessThan(1e-9);
    }

    @Test
    void refusesWhatItDoesNotKnow() {
        for (Map<String, Object> override : List.<Map<String, Object>>of(Map.of("model_type", "phi"),
                Map.of("layer_types", List.of("full_attention")), Map.of("hidden_act", "relu"),
                Map.of("rope_scaling", Map.of("rope_type", "longrope")))) {
            assertThatIllegalArgumentException().isThrownBy(() -> model("llama-gqa", override));
        }
    }

    private ScalarTransformer model(String name, Map<String, Object> overrides) {
        return new ScalarTransformer(FamilyModels.write(directory.resolve("model-" + models++), name, overrides));
    }

    private static void silence(ScalarTransformer model, int layer) {
        Arrays.fill(model.weights().get("model.layers." + layer + ".self_attn.o_proj.weight"), 0);
    }

    private static double[] filled(int size, double value) {
        double[] values = new double[size];
        Arrays.fill(values, value);
        return values;
    }

    private static int[] filledTokens(int size) {
        int[] tokens = new int[size];
        Arrays.fill(tokens, 7);
        return tokens;
    }

    /** Returns the largest difference of the rows from first to last, without last. */
    private static double difference(double[][] a, double[][] b, int first, int last) {
        double max = 0;
        for (int row = first; row < last; row++) {
            for (int i = 0; i < a[row].length; i++) {
                max = Math.max(max, Math.abs(a[row][i] - b[row][i]));
            }
        }
        return max;
    }
}
