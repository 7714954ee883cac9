// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.quantize;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.SmallFileSystem;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.TestWeights;
import io.github.chaijlama.TestWeights.Tensor;
import io.github.chaijlama.WeightType;
import io.github.chaijlama.families.FamilyModels;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.weight.ConversionProgress;
import io.github.chaijlama.weight.WeightFormat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Directories of quantized weights: what is in them, and that they appear whole or not at all. */
class ModelQuantizerTests {
    private static final ConversionProgress SILENT = (_, _) -> {};
    private static final int[] TOKENS = TestModels.tokens(40, 256, 1);

    @TempDir
    Path directory;
    private Path model;
    private Path out;

    @BeforeEach
    void write() {
        model = TestModels.random(directory, TestModels.shape(128, 256, 8, 4), 256, "BF16");
        out = directory.resolve("out");
    }

    private static ModelQuantizer to(WeightFormat format) {
        return new ModelQuantizer(format, 2, ModelQuantizer.DEFAULT_MAX_SHARD_BYTES);
    }

    private static float[] logits(Path model, WeightType weights) {
        try (ChaiModel loaded = ChaiModel.load(model, ChaiOptions.exact().with(change -> change.weights(weights)));
                ChaiSession session = loaded.newSession()) {
            return session.feed(TOKENS);
        }
    }

    private static Set<String> names(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            return new TreeSet<>(files.map(file -> file.getFileName().toString()).toList());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static TestWeights weights(Path directory) {
        return TestWeights.read(directory.resolve("model.safetensors"));
    }

    @ParameterizedTest
    @CsvSource({ "Q4, Q4", "I8, Q8" })
    void saysWhatAModelSaysThatIsQuantizedWhenItIsLoaded(WeightFormat format, WeightType loaded) {
        to(format).quantize(model, out, SILENT);
        float[] expected = logits(model, loaded);
        assertThat(logits(out, WeightType.STORED)).isEqualTo(expected);
        assertThat(logits(out, loaded)).as("what is quantized already stays").isEqualTo(expected);
        assertThat(TestModels.maxDifference(logits(model, WeightType.STORED), expected)).isGreaterThan(1e-3);
    }

    /** Fused projections, experts in one tensor, names with other beginnings, halves that see. */
    @ParameterizedTest
    @ValueSource(strings = { "phi3", "granitemoe", "gpt_oss", "gemma3", "mistral3", "opt", "olmo2", "qwen3_moe" })
    void soDoOtherFamilies(String family) {
        Path golden = GoldenCases.directory("families/" + family);
        int[] tokens = TestModels.tokens(30, 60, 2);
        to(WeightFormat.I8).quantize(golden, out, SILENT);
        try (ChaiModel written = ChaiModel.load(out, ChaiOptions.exact());
                ChaiModel loaded = ChaiModel.load(golden,
                        ChaiOptions.exact().with(change -> change.weights(WeightType.Q8)));
                ChaiSession ofWritten = written.newSession();
                ChaiSession ofLoaded = loaded.newSession()) {
            assertThat(ofWritten.feed(tokens)).isEqualTo(ofLoaded.feed(tokens));
            assertThat(written.weightType()).isEqualTo(loaded.weightType());
        }
    }

    @ParameterizedTest
    @EnumSource(value = WeightFormat.class, names = { "Q4", "I8" })
    void bitsDoNotDependOnThreads(WeightFormat format) throws IOException {
        Path big = TestModels.random(directory, TestModels.shape(512, 1024, 8, 4), 256, "F32");
        for (int threads : new int[]{ 1, 2, 5 }) {
            new ModelQuantizer(format, threads, 1 << 30).quantize(big, directory.resolve("by" + threads), SILENT);
        }
        Path expected = directory.resolve("by1").resolve("model.safetensors");
        for (String other : List.of("by2", "by5")) {
            assertThat(Files.mismatch(expected, directory.resolve(other).resolve("model.safetensors"))).isEqualTo(-1);
        }
    }

    @Test
    void quantizesMatricesAndCopiesTheRest() {
        to(WeightFormat.Q4).quantize(model, out, SILENT);
        TestWeights before = weights(model);
        TestWeights after = weights(out);
        assertThat(after.tensors().get("lm_head.weight").type()).isEqualTo("Q4");
        assertThat(after.tensors().get("model.layers.1.mlp.down_proj.weight").type()).isEqualTo("Q4");
        assertThat(after.tensors().get("model.layers.1.mlp.down_proj.weight.qb").shape()).containsExactly(128, 8);
        assertThat(after.tensors()).hasSize(before.tensors().size() + 3 * 7 + 1);
        for (String name : List.of("model.embed_tokens.weight", "model.norm.weight",
                "model.layers.2.input_layernorm.weight")) {
            Tensor stored = before.tensors().get(name);
            assertThat(after.tensors().get(name).type()).isEqualTo("BF16");
            assertThat(after.tensors().get(name).bytes()).isEqualTo(stored.bytes());
        }
    }

    /** Jlama's own layers read no F16; as F32 it is the same. */
    @Test
    void float16ThatStaysBecomesFloat32() {
        Path file = model.resolve("model.safetensors");
        TestWeights.read(file).with("F16", _ -> true).write(file, 0);
        to(WeightFormat.Q4).quantize(model, out, SILENT);
        assertThat(weights(out).tensors().get("model.norm.weight").type()).isEqualTo("F32");
        assertThat(weights(out).values("model.embed_tokens.weight"))
                .isEqualTo(weights(model).values("model.embed_tokens.weight"));
        assertThat(logits(out, WeightType.STORED)).isEqualTo(logits(model, WeightType.Q4));
    }

    @Test
    void shardsHaveAnIndex() throws IOException {
        ModelQuantizer.Result result = new ModelQuantizer(WeightFormat.Q4, 2, 100_000).quantize(model, out, SILENT);
        assertThat(result.files()).hasSizeGreaterThan(2).startsWith("model-00001-of-0000" + result.files().size()
                + ".safetensors");
        assertThat(names(out)).contains("model.safetensors.index.json").containsAll(result.files())
                .doesNotContain("model.safetensors");
        JsonNode index = new ObjectMapper().readTree(out.resolve("model.safetensors.index.json").toFile());
        assertThat(index.at("/metadata/total_size").asLong()).isEqualTo(result.bytes());
        String tensor = "model.layers.1.mlp.up_proj.weight";
        assertThat(index.path("weight_map").path(tensor + ".qb")).isEqualTo(index.path("weight_map").path(tensor));
        for (String file : result.files()) {
            assertThat(Files.size(out.resolve(file))).isLessThan(104_000);
        }
        assertThat(logits(out, WeightType.STORED)).isEqualTo(logits(model, WeightType.Q4));
    }

    @Test
    void whatBelongsToAModelGoesWithIt() throws IOException {
        for (String name : List.of("tokenizer.json", "tokenizer_config.json", "generation_config.json",
                "chat_template.jinja", "merges.txt", "README.md", "LICENSE")) {
            Files.writeString(model.resolve(name), name.endsWith(".json") ? "{}" : name);
        }
        for (String name : List.of("pytorch_model.bin", "model.safetensors.index.json", ".cache.json", "model.gguf")) {
            Files.writeString(model.resolve(name), "{}");
        }
        Files.createDirectory(model.resolve("onnx.json"));
        to(WeightFormat.I8).quantize(model, out, SILENT);
        assertThat(names(out)).containsExactlyInAnyOrder("config.json", "model.safetensors", "tokenizer.json",
                "tokenizer_config.json", "generation_config.json", "chat_template.jinja", "merges.txt", "README.md",
                "LICENSE");
        assertThat(out.resolve("chat_template.jinja")).hasContent("chat_template.jinja");
    }

    @Test
    void tellsHowFarItIs() {
        long[] last = new long[2];
        to(WeightFormat.Q4).quantize(model, out, (done, total) -> {
            assertThat(done).isGreaterThan(last[0]).isLessThanOrEqualTo(total);
            last[0] = done;
            last[1] = total;
        });
        assertThat(last[0]).isPositive().isEqualTo(last[1]);
    }

    @Test
    void anEmptyDirectoryIsTaken() throws IOException {
        Files.createDirectory(out);
        to(WeightFormat.Q4).quantize(model, out, SILENT);
        assertThat(names(out)).contains("config.json", "model.safetensors");
    }

    @Test
    void otherPlacesAreRefused() throws IOException {
        Path full = Files.createDirectory(directory.resolve("full"));
        Files.writeString(full.resolve("a"), "");
        Path file = Files.writeString(directory.resolve("file"), "");
        Path link = Files.createSymbolicLink(directory.resolve("link"), model);
        assertRefused(full, full + " is a directory that is not empty, expected a new or an empty directory");
        assertRefused(file, file + " is a file, expected a new or an empty directory");
        assertRefused(model, model + " is in the model's directory, which is left as it is");
        assertRefused(link, link + " is in the model's directory, which is left as it is");
        assertRefused(link.resolve("q4"), link.resolve("q4") + " is in the model's directory, which is left as it is");
        assertRefused(full.resolve("a/b"), full.resolve("a/b") + " must be in a directory that exists");
        assertThat(names(model)).containsExactlyInAnyOrder("config.json", "model.safetensors");
        assertThat(names(full)).containsExactly("a");
    }

    private void assertRefused(Path place, String message) {
        assertThatThrownBy(() -> to(WeightFormat.Q4).quantize(model, place, SILENT))
                .isInstanceOf(QuantizeException.class).hasMessage(message);
    }

    @Test
    void whatCannotBeQuantizedIsRefused() throws IOException {
        to(WeightFormat.Q4).quantize(model, out, SILENT);
        Path second = directory.resolve("second");
        assertThatThrownBy(() -> to(WeightFormat.Q4).quantize(out, second, SILENT))
                .isInstanceOf(ModelLoadException.class)
                .hasMessage(out + " has nothing left to quantize: its matrices are of type Q4");
        assertThatThrownBy(() -> to(WeightFormat.I8).quantize(out, second, SILENT))
                .isInstanceOf(ModelLoadException.class).hasMessageContaining(
                        "is of type Q4, which has fewer bits than I8: what it has lost does not come back");
        Path gpt2 = FamilyModels.write(Files.createDirectory(directory.resolve("gpt2")), "gpt2");
        assertThatThrownBy(() -> to(WeightFormat.Q4).quantize(gpt2, second, SILENT))
                .isInstanceOf(ModelLoadException.class)
                .hasMessageContaining("has no matrices that can be quantized to Q4");
        assertThat(second).doesNotExist();
    }

    /** MXFP4, whose rows lie between each other, FP8, and whole numbers in words. */
    @ParameterizedTest
    @CsvSource({ "families/gpt_oss_mxfp4, Q4", "families/gpt_oss_mxfp4, I8", "formats/fp8_block, Q4",
            "formats/fp8_block, I8", "formats/fp8_e5m2, Q4", "formats/int8_channel, I8", "formats/int4_group, Q4",
            "formats/int4_zero_point, Q4", "formats/int4_act_order, I8" })
    void whatIsStoredInFewBitsIsQuantizedAsWhenItIsLoaded(String golden, WeightFormat format) {
        Path packed = GoldenCases.directory(golden);
        ModelQuantizer.Result result = to(format).quantize(packed, out, SILENT);
        assertThat(weights(out).tensors().keySet()).noneMatch(name -> name.endsWith("_blocks")
                || name.endsWith("_packed") || name.endsWith("weight_scale_inv") || name.endsWith("weight_scale"));
        assertThat(result.bytes()).isEqualTo(
                weights(out).tensors().values().stream().mapToLong(tensor -> tensor.bytes().length).sum());
        assertThat(result.storedBytes()).isLessThanOrEqualTo(
                weights(packed).tensors().values().stream().mapToLong(tensor -> tensor.bytes().length).sum());
        WeightType type = format == WeightFormat.Q4 ? WeightType.Q4 : WeightType.Q8;
        try (ChaiModel written = ChaiModel.load(out, ChaiOptions.exact());
                ChaiModel loaded = ChaiModel.load(packed, ChaiOptions.exact().with(change -> change.weights(type)));
                ChaiSession ofWritten = written.newSession();
                ChaiSession ofLoaded = loaded.newSession()) {
            assertThat(ofWritten.feed(5, 7, 1, 30, 2)).isEqualTo(ofLoaded.feed(5, 7, 1, 30, 2));
            assertThat(written.weightType()).isEqualTo(loaded.weightType()).isEqualTo(format.name());
            assertThat(written.weightBytes()).isEqualTo(loaded.weightBytes());
        }
    }

    /** Eight bits have more than four, so there is something to gain. */
    @Test
    void eightBitsBecomeFour() {
        to(WeightFormat.I8).quantize(model, out, SILENT);
        Path four = directory.resolve("four");
        to(WeightFormat.Q4).quantize(out, four, SILENT);
        assertThat(weights(four).tensors().get("lm_head.weight").type()).isEqualTo("Q4");
        assertThat(logits(four, WeightType.STORED)).isEqualTo(logits(out, WeightType.Q4));
    }

    @Test
    void afterAFailureNothingIsLeft() {
        Set<String> before = names(directory);
        assertThatThrownBy(() -> to(WeightFormat.Q4).quantize(model, out, (done, total) -> {
            assertThat(names(directory)).as("written beside its place").hasSize(before.size() + 1)
                    .doesNotContain("out");
            if (done > total / 2) {
                throw new IllegalStateException("enough");
            }
        })).isInstanceOf(IllegalStateException.class).hasMessage("enough");
        assertThat(names(directory)).isEqualTo(before);
    }

    @Test
    void anInterruptEndsItAndNothingIsLeft() {
        Set<String> before = names(directory);
        assertThatThrownBy(() -> to(WeightFormat.Q4).quantize(model, out, (_, _) -> Thread.currentThread().interrupt()))
                .isInstanceOf(QuantizeException.class).hasMessage(out + " was not written: interrupted");
        assertThat(Thread.interrupted()).isTrue();
        assertThat(names(directory)).isEqualTo(before);
    }

    @Test
    void afterAFullDiskNothingIsLeft() throws Exception {
        try (SmallFileSystem small = SmallFileSystem.mount(directory, 128)) {
            Path place = small.path().resolve("out");
            assertThatThrownBy(() -> to(WeightFormat.Q4).quantize(model, place, SILENT))
                    .isInstanceOf(QuantizeException.class)
                    .hasMessage(place + " cannot be written: No space left on device");
            assertThat(names(small.path())).isEmpty();
        }
    }
}
