// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.SafeTensorSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.Operators;
import io.github.chaijlama.StockModel;
import io.github.chaijlama.StockSession;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.TestOperators;
import io.github.chaijlama.TestWeights;
import io.github.chaijlama.families.ScalarTransformer;
import io.github.chaijlama.model.ModelLoadException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/**
 * Every type of weights against plain loops over what the numbers in the file mean, by our attention and by Jlama's.
 */
@Tag("operators")
class WeightFormatTests {
    private static final double TOLERANCE = 2e-4;
    private static final Predicate<String> ALL = _ -> true;
    private static final Predicate<String> NORMS = name -> name.contains("norm");

    @TempDir
    Path directory;
    private TestWeights weights;
    private String config;

    @BeforeEach
    void writeModel() throws IOException {
        read(TestModels.random(directory.resolve("f32"), TestModels.shape(128, 256, 8, 4), 256, "F32"));
    }

    private void read(Path model) throws IOException {
        weights = TestWeights.read(model.resolve("model.safetensors"));
        config = Files.readString(model.resolve("config.json"));
    }

    private Path write(String name, TestWeights changed) throws IOException {
        Path model = Files.createDirectories(directory.resolve(name));
        Files.writeString(model.resolve("config.json"), config);
        // Jlama's own files begin their data at any byte.
        changed.write(model.resolve("model.safetensors"), 3);
        return model;
    }

    private void tieEmbeddings() {
        config = config.replace("\"tie_word_embeddings\" : false", "\"tie_word_embeddings\" : true");
        assertThat(config).contains("true");
        weights.tensors().remove("lm_head.weight");
    }

    /**
     * Compares a model with plain loops over its values.
     *
     * @param weightType the type of its weights in memory with our own operators
     * @param withJlama  with Jlama's
     */
    private void assertRuns(Path model, String weightType, String withJlama, boolean stockToo) throws IOException {
        TestWeights stored = TestWeights.read(model.resolve("model.safetensors"));
        ScalarTransformer reference = new ScalarTransformer(write("reference", stored.toFloats()));
        int[] tokens = TestModels.tokens(23, 256, 1);
        float[] expected = reference.logits(tokens, null);
        for (Operators operators : TestOperators.all()) {
            try (ChaiModel chai = ChaiModel.load(model, TestOperators.exact(operators));
                    ChaiSession session = chai.newSession()) {
                assertThat(TestModels.maxDifference(session.feed(tokens), expected)).as("exact, %s", operators)
                        .isLessThan(TOLERANCE);
                assertThat(chai.weightType()).isEqualTo(operators == Operators.JLAMA ? withJlama : weightType);
            }
        }
        if (stockToo) {
            try (StockModel stock = StockModel.load(model, ChaiOptions.stock());
                    StockSession session = stock.newSession()) {
                assertThat(TestModels.maxDifference(session.feed(tokens), expected)).as("stock").isLessThan(TOLERANCE);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = { false, true })
    void float16(boolean tied) throws IOException {
        if (tied) {
            tieEmbeddings();
        }
        assertRuns(write("f16", weights.with("F16", ALL)), "F16", "F32", true);
    }

    @ParameterizedTest
    @CsvSource({ "F16, BF16, BF16", "F32, BF16, BF16", "BF16, F32, F32", "F16, F32, F32", "BF16, F16, F32" })
    void normsOfAnotherTypeThanMatrices(String norms, String matrices, String withJlama) throws IOException {
        assertRuns(write("mixed", weights.with(matrices, ALL).with(norms, NORMS)), matrices, withJlama, true);
    }

    @Test
    void matricesOfSeveralTypesStayWhatTheyAre() throws IOException {
        TestWeights mixed = weights.with("BF16", name -> name.contains("mlp"));
        assertRuns(write("mixed", mixed), "BF16", "BF16", true);
        assertRuns(write("mixed", weights.with("BF16", name -> name.contains("q_proj"))), "F32", "F32", true);
    }

    /** Writes a model as Jlama's quantize command does. */
    private Path quantize(Path model, DType type, String... skipped) throws IOException {
        Files.writeString(model.resolve("tokenizer.json"), "{}");
        Files.writeString(model.resolve("README.md"), "a model");
        return SafeTensorSupport.quantizeModel(model, type, skipped, null,
                Optional.of(directory.resolve("quantized")));
    }

    @ParameterizedTest
    @CsvSource({ "Q4, F32, false, norm", "Q4, BF16, false, norm", "Q4, F32, true, norm", "Q4, BF16, true, norm embed",
            "Q4, BF16, false, norm embed lm_head", "I8, F32, false, norm", "I8, BF16, true, norm",
            "I8, F32, false, norm embed lm_head" })
    void filesOfJlamasQuantizeCommand(DType type, String original, boolean tied, String skipped) throws IOException {
        if (tied) {
            tieEmbeddings();
        }
        Path model = quantize(write("original", weights.with(original, ALL)), type, skipped.split(" "));
        TestWeights stored = TestWeights.read(model.resolve("model.safetensors"));
        assertThat(stored.tensors().get("model.layers.0.mlp.down_proj.weight").type()).isEqualTo(type.name());
        assertThat(stored.tensors().get("model.norm.weight").shape()).containsExactly(1, 128);
        assertRuns(model, type.name(), type == DType.Q4 ? "Q4" : "F32", true);
    }

    /** Sizes that leave corners in the operators' tiles, where Jlama's own attention is wrong. */
    @ParameterizedTest
    @ValueSource(strings = { "Q4", "I8" })
    void quantizedFilesOfOddSizes(DType type) throws IOException {
        read(TestModels.random(directory.resolve("odd"), TestModels.shape(192, 704, 6, 3), 256, "F32"));
        assertRuns(quantize(write("original", weights), type, "norm"), type.name(),
                type == DType.Q4 ? "Q4" : "F32", false);
    }

    @Test
    void bytesAndParametersCountWhatIsInMemory() throws IOException {
        long parameters = weights.tensors().values().stream().mapToLong(tensor -> tensor.bytes().length / 4).sum();
        long norms = 7 * 128;
        Path halves = write("f16", weights.with("F16", ALL));
        try (ChaiModel half = ChaiModel.load(halves,
                TestOperators.exact(Operators.VECTOR))) {
            assertThat(half.weightBytes()).isEqualTo(2 * parameters + 2 * norms);
        }
        try (ChaiModel half = ChaiModel.load(halves,
                TestOperators.exact(Operators.JLAMA))) {
            assertThat(half.numberOfParameters()).isEqualTo(parameters);
            // The embedding is not multiplied here: it stays what it is.
            assertThat(half.weightBytes()).isEqualTo(4 * parameters - 2 * 256 * 128);
        }
        Path quantized = quantize(write("original", weights), DType.Q4, "norm");
        try (ChaiModel q4 = ChaiModel.load(quantized, ChaiOptions.exact())) {
            assertThat(q4.numberOfParameters()).isEqualTo(parameters);
            assertThat(q4.weightBytes()).isEqualTo((parameters - norms) * 20 / 32 + 4 * norms);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            missing | is of type Q4, expected its block factors in model.layers.0.mlp.up_proj.weight.qb, of type F32 \
            and shape [256, 4]
            BF16       | of type F32 and shape [256, 4], found BF16 [256, 4]
            [512, 2]   | of type F32 and shape [256, 4], found F32 [512, 2]
            [1024]     | of type F32 and shape [256, 4], found F32 [1024]
            [128, 4]   | of type F32 and shape [256, 4], found F32 [128, 4]
            """)
    void blockFactorsAreCheckedBeforeAnythingIsRead(String mistake, String message) throws IOException {
        Path model = quantize(write("original", weights), DType.Q4, "norm");
        TestWeights stored = TestWeights.read(model.resolve("model.safetensors"));
        String name = "model.layers.0.mlp.up_proj.weight.qb";
        TestWeights.Tensor factors = stored.tensors().remove(name);
        switch (mistake) {
            case "missing" -> {
            }
            case "BF16" -> stored.put(name, "BF16", factors.shape(), new byte[2 * 256 * 4]);
            case "[512, 2]" -> stored.put(name, "F32", new long[]{ 512, 2 }, factors.bytes());
            case "[1024]" -> stored.put(name, "F32", new long[]{ 1024 }, factors.bytes());
            default -> stored.put(name, "F32", new long[]{ 128, 4 }, new byte[4 * 128 * 4]);
        }
        assertThatThrownBy(() -> ChaiModel.load(write("broken", stored), ChaiOptions.exact()))
                .isInstanceOf(ModelLoadException.class).hasMessageContaining(message);
    }

    @Test
    void integersThatAreNotJlamasAreRefused() throws IOException {
        String name = "model.layers.1.self_attn.q_proj.weight";
        weights.put(name, "I8", new long[]{ 128, 128 }, new byte[128 * 128]);
        assertThatThrownBy(() -> ChaiModel.load(write("i8", weights), ChaiOptions.exact()))
                .isInstanceOf(ModelLoadException.class)
                .hasMessageContaining("tensor " + name + " is of type I8, expected its block factors in " + name);
    }
}
