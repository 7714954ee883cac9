// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.SafeTensorSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.families.FamilyModels;
import io.github.chaijlama.model.ModelLoadException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What Jlama makes of being asked for 8-bit activations, and what it cannot. */
@Tag("operators")
class StockActivationsTests {
    private static final ChaiOptions STORED = ChaiOptions.stock();
    private static final ChaiOptions Q4 = STORED.with(change -> change.weights(WeightType.Q4));

    @TempDir
    Path directory;

    private Path model(int hiddenSize, int intermediateSize, String weights) {
        return TestModels.random(directory, TestModels.shape(hiddenSize, intermediateSize, 8, 8), 256, weights);
    }

    private static float[] logits(StockModel model) {
        try (StockSession session = model.newSession()) {
            session.feed(TestModels.tokens(20, 256, 1));
            return session.feed(7);
        }
    }

    /** Returns the largest difference to the logits of 32-bit activations, in parts of the largest logit. */
    private static double error(Path model, ChaiOptions options, String activations) {
        try (StockModel floats = StockModel.load(model, options);
                StockModel jlamas = StockModel.load(model, options, StockActivations.JLAMA)) {
            assertThat(floats.hasFloatActivations()).isTrue();
            assertThat(jlamas.activations()).isEqualTo(activations);
            assertThat(jlamas.hasFloatActivations()).isEqualTo(activations.startsWith("32-bit"));
            float[] expected = logits(floats);
            return TestModels.maxDifference(logits(jlamas), expected)
                    / TestModels.maxDifference(expected, new float[expected.length]);
        }
    }

    @Test
    void rowsAreRoundedToEightBitsWithQ4Weights() {
        assertThat(error(model(512, 1024, "F32"), Q4, "8-bit activations")).isBetween(1e-4, 0.1);
    }

    @Test
    void itTakesTheirOwnTypeWithBf16Weights() {
        assertThat(error(model(128, 256, "BF16"), STORED, "BF16 activations, which Jlama takes with BF16 weights"))
                .isBetween(1e-4, 0.1);
    }

    @Test
    void nothingChangesWithF32Weights() {
        assertThat(error(model(128, 256, "F32"), STORED, "32-bit activations, which Jlama takes with F32 weights"))
                .isLessThan(1e-6);
    }

    @Test
    void itFallsBackWhereSizesAreNotForItsProducts() {
        assertThat(error(model(128, 512, "F32"), Q4, "32-bit activations, which Jlama takes where its 8-bit products "
                + "cannot do a model's sizes (here 128 and 512)")).isLessThan(1e-6);
    }

    @Test
    void aFamilyThatNeverConvertsRowsIsNamed() {
        Path gpt2 = FamilyModels.write(directory.resolve("gpt2"), "gpt2");
        assertThat(error(gpt2, STORED, "32-bit activations, which Jlama takes with F32 weights")).isLessThan(1e-6);
    }

    private Path write(String name, Path like, TestWeights changed) throws IOException {
        Path written = Files.createDirectories(directory.resolve(name));
        Files.copy(like.resolve("config.json"), written.resolve("config.json"));
        changed.write(written.resolve("model.safetensors"), 0);
        return written;
    }

    private static void assertRefused(Path model, String reason) {
        assertThatThrownBy(() -> StockModel.load(model, STORED, StockActivations.JLAMA).close())
                .isInstanceOf(ModelLoadException.class).hasMessageContaining(reason)
                .hasMessageContaining(model.toString());
        try (StockModel floats = StockModel.load(model, STORED)) {
            assertThat(logits(floats)).doesNotContain(Float.NaN);
        }
    }

    @Test
    void whatJlamaCannotMultiplyIsRefused() throws IOException {
        Path bf16 = model(128, 256, "BF16");
        TestWeights weights = TestWeights.read(bf16.resolve("model.safetensors"));
        assertRefused(write("mixed", bf16, weights.with("F32", name -> name.contains("up_proj"))),
                "cannot multiply F32 weights with BF16 activations");
    }

    @Test
    void jlamasOwnEightBitWeightsAreRefused() throws IOException {
        Path model = model(128, 256, "F32");
        Files.writeString(model.resolve("tokenizer.json"), "{}");
        Files.writeString(model.resolve("README.md"), "a model");
        assertRefused(SafeTensorSupport.quantizeModel(model, DType.I8, new String[0], null,
                Optional.of(directory.resolve("quantized"))), "cannot multiply with I8 weights");
    }
}
