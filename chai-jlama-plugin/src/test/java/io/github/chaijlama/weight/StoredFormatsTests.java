// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.Operators;
import io.github.chaijlama.StockModel;
import io.github.chaijlama.StockSession;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.TestOperators;
import io.github.chaijlama.TestWeights;
import io.github.chaijlama.TestWeights.Tensor;
import io.github.chaijlama.WeightType;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.model.ModelLoadException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/**
 * Files of FP8 and compressed-tensors, against logits of what the libraries that write them make of them
 * (src/test/resources/golden/formats).
 */
@Tag("operators")
class StoredFormatsTests {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final String DOWN = "model.layers.0.mlp.down_proj.weight";

    @TempDir
    Path directory;

    private static Path golden(String name) {
        return GoldenCases.directory("formats").resolve(name);
    }

    private static void assertMatches(Path model, String cases, ChaiOptions options, double tolerance)
            throws IOException {
        try (ChaiModel loaded = ChaiModel.load(model, options)) {
            for (JsonNode node : MAPPER.readTree(golden(cases).resolve("cases.json").toFile()).path("cases")) {
                float[] expected = MAPPER.convertValue(node.path("logits"), float[].class);
                double squares = 0;
                for (float logit : expected) {
                    squares += (double) logit * logit;
                }
                for (int batch : new int[]{ 1, 7, 4096 }) {
                    float[] found = feed(loaded, MAPPER.convertValue(node.path("tokens"), int[].class), batch);
                    assertThat(TestModels.maxDifference(found, expected) / Math.sqrt(squares / expected.length))
                            .as("%s, %s, %d at a time", model, options.operators(), batch).isLessThan(tolerance);
                }
            }
        }
    }

    private static float[] feed(ChaiModel model, int[] tokens, int batch) {
        try (ChaiSession session = model.newSession()) {
            float[] logits = new float[0];
            for (int from = 0; from < tokens.length; from += batch) {
                logits = session.feed(Arrays.copyOfRange(tokens, from, Math.min(tokens.length, from + batch)));
            }
            return logits;
        }
    }

    @ParameterizedTest
    @CsvSource({ "fp8_block, F8", "fp8_block_cut, F8", "fp8_tensor, F8", "fp8_channel, F8", "fp8_e5m2, F32",
            "int8_channel, I8", "int8_packed, I8", "int8_tensor_zero_point, F32", "int4_group, Q4",
            "int4_zero_point, I8", "int4_act_order, F32", "int4_small_group, F32", "int2_group, Q4" })
    void areWhatTheirMakersMakeOfThem(String name, String inMemory) throws IOException {
        for (Operators operators : TestOperators.all()) {
            assertMatches(golden(name), name, TestOperators.exact(operators), 2e-5);
        }
        try (ChaiModel model = ChaiModel.load(golden(name),
                ChaiOptions.exact().with(change -> change.operators(Operators.VECTOR)))) {
            assertThat(model.weightType()).isEqualTo(inMemory);
        }
    }

    private static ChaiOptions quantized(WeightType type) {
        return ChaiOptions.exact().with(change -> change.operators(Operators.VECTOR).weights(type));
    }

    @Test
    void areQuantizedOnlyWhereThatIsAskedFor() throws IOException {
        for (String name : new String[]{ "fp8_block", "fp8_e5m2", "int8_channel", "int4_act_order" }) {
            assertMatches(golden(name), name, quantized(WeightType.Q8), 0.1);
            try (ChaiModel model = ChaiModel.load(golden(name), quantized(WeightType.Q4))) {
                assertThat(model.weightType()).isEqualTo("Q4");
            }
        }
        // As they are: these are of the format already.
        assertMatches(golden("int4_group"), "int4_group", quantized(WeightType.Q4), 2e-5);
        assertMatches(golden("int8_packed"), "int8_packed", quantized(WeightType.Q8), 2e-5);
        assertThatThrownBy(() -> ChaiModel.load(golden("int4_group"), quantized(WeightType.Q8)))
                .isInstanceOf(ModelLoadException.class)
                .hasMessageContaining("is of type Q4, which has fewer bits than I8");
    }

    @Test
    void whatIsAskedForActivationsAndKeysIsSaid() {
        assertThat(ModelConfig.read(golden("fp8_channel")).quantization().remarks()).containsExactly(
                "'quantization_config' asks for 8-bit activations: here they are 32-bit floats, which is more precise",
                "'quantization_config' asks for 8-bit keys and values: here the type of keys and values says that");
        assertThat(ModelConfig.read(golden("int4_group")).quantization().remarks()).isEmpty();
    }

    /** Jlama's own layers get floats. */
    @Test
    void stockAttentionMultipliesWithThemToo() throws IOException {
        Path mha = GoldenCases.directory("mha");
        Files.copy(mha.resolve("config.json"), directory.resolve("config.json"));
        TestWeights weights = TestWeights.read(mha.resolve("model.safetensors"));
        byte[] numbers = new byte[128 * 128];
        new Random(3).nextBytes(numbers);
        weights.put("model.layers.0.self_attn.q_proj.weight", "I8", new long[]{ 128, 128 }, numbers);
        weights.put("model.layers.0.self_attn.q_proj.weight_scale", "F32", new long[]{ 1 }, new byte[]{ 0, 0, 0, 58 });
        weights.write(directory.resolve("model.safetensors"), 0);
        try (ChaiModel exact = ChaiModel.load(directory, ChaiOptions.exact());
                StockModel stock = StockModel.load(directory, ChaiOptions.stock());
                StockSession session = stock.newSession()) {
            assertThat(stock.options().attention()).isEqualTo(AttentionMode.STOCK);
            assertThat(TestModels.maxDifference(session.feed(3, 1, 4), feed(exact, new int[]{ 3, 1, 4 }, 3)))
                    .isLessThan(1e-3);
        }
    }

    // ---- what is wrong ----

    private TestWeights copy(String name) throws IOException {
        Files.copy(golden(name).resolve("config.json"), directory.resolve("config.json"));
        return TestWeights.read(golden(name).resolve("model.safetensors"));
    }

    private void assertRefused(TestWeights weights, String message) {
        weights.write(directory.resolve("model.safetensors"), 0);
        assertThatThrownBy(() -> ChaiModel.load(directory, ChaiOptions.exact())).isInstanceOf(ModelLoadException.class)
                .hasMessage(directory + ": " + message);
    }

    @Test
    void factorsThatAreMissingOrTooFew() throws IOException {
        TestWeights weights = copy("fp8_block");
        Tensor scales = weights.tensors().remove(DOWN + "_scale_inv");
        assertRefused(weights, "tensor " + DOWN + " is of type F8_E4M3, expected its factors in " + DOWN
                + "_scale_inv or " + DOWN + "_scale");
        weights.put(DOWN + "_scale_inv", "F32", new long[]{ 3, 2 }, scales.bytes());
        String expected = "tensor " + DOWN
                + "_scale_inv must have factors for a matrix of 64 x 96 values, of type F32, "
                + "BF16 or F16, found ";
        assertRefused(weights, expected + "F32 [3, 2]");
        weights.put(DOWN + "_scale_inv", "I32", new long[]{ 2, 3 }, scales.bytes());
        assertRefused(weights, expected + "I32 [2, 3]");
    }

    @Test
    void valuesThatAreNotNumbers() throws IOException {
        TestWeights weights = copy("fp8_block");
        byte[] bytes = weights.tensors().get(DOWN).bytes();
        byte before = bytes[70];
        bytes[70] = (byte) 0xFF;
        assertRefused(weights, "tensor " + DOWN + " holds values or factors that are not finite numbers");
        bytes[70] = before;
        byte[] scales = weights.tensors().get(DOWN + "_scale_inv").bytes();
        scales[2] = (byte) 0xC0;
        scales[3] = 0x7F;
        assertRefused(weights, "tensor " + DOWN + " holds values or factors that are not finite numbers");
    }

    /** Factors so large that products could not multiply them by 2^120: floats of 32 bits, then. */
    @Test
    void largeFactors() throws IOException {
        TestWeights weights = copy("fp8_tensor");
        weights.put(DOWN + "_scale_inv", "F32", new long[0], new byte[]{ 0, 0, 0, 0x43 });
        weights.write(directory.resolve("model.safetensors"), 0);
        TestWeights plain = copy(weights, DOWN);
        Path other = Files.createDirectory(directory.resolve("plain"));
        Files.copy(directory.resolve("config.json"), other.resolve("config.json"));
        plain.write(other.resolve("model.safetensors"), 0);
        try (ChaiModel packed = ChaiModel.load(directory, ChaiOptions.exact());
                ChaiModel floats = ChaiModel.load(other, ChaiOptions.exact())) {
            float[] logits = feed(packed, new int[]{ 5, 6 }, 2);
            assertThat(logits).isEqualTo(feed(floats, new int[]{ 5, 6 }, 2));
            assertThat(Math.abs(logits[0])).isBetween(1e-6f, 1e6f);
        }
    }

    /** Returns weights of which one matrix is what its numbers times 128 are, as floats of 32 bits. */
    private static TestWeights copy(TestWeights weights, String name) {
        Tensor tensor = weights.tensors().get(name);
        ByteBuffer floats = ByteBuffer.allocate(4 * tensor.bytes().length)
                .order(ByteOrder.LITTLE_ENDIAN);
        for (byte bits : tensor.bytes()) {
            int exponent = bits >> 3 & 15;
            double size = exponent == 0 ? Math.scalb(bits & 7, -9) : Math.scalb(8 + (bits & 7), exponent - 10);
            floats.putFloat((float) (bits < 0 ? -size : size) * 128);
        }
        TestWeights changed = weights.with("F32", tensorName -> false);
        changed.put(name, "F32", tensor.shape(), floats.array());
        changed.tensors().remove(name + "_scale_inv");
        return changed;
    }

    @Test
    void packedNumbersThatDoNotFit() throws IOException {
        TestWeights weights = copy("int4_act_order");
        Tensor packed = weights.tensors().get(DOWN + "_packed");
        weights.put(DOWN + "_packed", "I32", new long[]{ 32, 24 }, packed.bytes());
        assertRefused(weights, "tensor " + DOWN + "_packed must hold 64 x 96 values of 2, 4 or 8 bits in words of type "
                + "I32, found I32 [32, 24]");
        weights.put(DOWN + "_packed", "I32", packed.shape(), packed.bytes());
        byte[] groups = weights.tensors().get(DOWN + "_g_idx").bytes();
        groups[0] = 3;
        assertRefused(weights, "tensor " + DOWN + "_g_idx must name groups from 0 to 2, found 3");
        weights.tensors().remove(DOWN + "_shape");
        assertRefused(weights, "tensor " + DOWN + "_packed of type I32 needs another one that is not there: " + DOWN
                + "_shape");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"quant_method":"gptq","bits":4}    | weights quantized by 'gptq' are not supported; take the model as
            {"quant_method":"awq","bits":4}     | weights quantized by 'awq' are not supported; take the model as its
            {"quant_method":"bitsandbytes"}     | weights quantized by 'bitsandbytes' are not supported; take
            {"load_in_4bit":true}               | weights quantized by 'unknown' are not supported; take the model
            {"quant_method":"fp8","weight_block_size":[128]} | 'weight_block_size' must be two sizes, found [128]
            {"quant_method":"compressed-tensors","format":"marlin-24"} | 'format' of 'quantization_config' must be one
            {"quant_method":"compressed-tensors","sparsity_config":{"format":"sparse-24-bitmask"}} | 'sparsity_config'
            {"quant_method":"compressed-tensors","transform_config":{"config_groups":{"R1":{}}}} | 'transform_config'
            {"quant_method":"compressed-tensors","config_groups":{"a":{"weights":{"strategy":"token"}}}} | 'strategy' of
            {"quant_method":"compressed-tensors","config_groups":{"a":{"format":"nvfp4-pack-quantized"}}} | 'format' of
            """)
    void whatCannotBeReadIsRefusedByName(String quantization, String message) throws IOException {
        ObjectNode config = (ObjectNode) MAPPER.readTree(golden("fp8_block").resolve("config.json").toFile());
        config.set("quantization_config", MAPPER.readTree(quantization));
        Files.writeString(directory.resolve("config.json"), config.toString());
        assertThatThrownBy(() -> ModelConfig.read(directory)).isInstanceOf(ModelLoadException.class)
                .hasMessageStartingWith(directory.resolve("config.json") + ": " + message);
    }
}
