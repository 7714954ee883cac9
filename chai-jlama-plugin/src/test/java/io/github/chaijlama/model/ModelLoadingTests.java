// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.StockModel;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.TestWeights;
import io.github.chaijlama.families.ScalarTransformer;
import io.github.chaijlama.model.BrokenModelException;
import io.github.chaijlama.model.RotaryScaling;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ModelLoadingTests {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    @TempDir
    Path directory;
    private ObjectNode config;

    @BeforeEach
    void copyModel() throws IOException {
        Path golden = GoldenCases.directory("mha");
        config = (ObjectNode) MAPPER.readTree(Files.readString(golden.resolve("config.json")));
        Files.copy(golden.resolve("model.safetensors"), directory.resolve("model.safetensors"));
    }

    private ModelConfig read() throws IOException {
        Files.writeString(directory.resolve("config.json"), config.toString());
        return ModelConfig.read(directory);
    }

    private static List<Integer> windows(ModelConfig config) {
        return config.layerConfigs().stream().map(layer -> layer.attention().scores().window()).toList();
    }

    @Test
    void readsTheConfiguration() throws IOException {
        ModelConfig read = read();
        assertThat(read.modelType()).isEqualTo("llama");
        assertThat(read.layers()).isEqualTo(3);
        assertThat(read.heads(0).headSize()).isEqualTo(16);
        assertThat(read.contextLength()).isEqualTo(2048);
        assertThat(read.bosToken()).hasValue(0);
        assertThat(read.eosTokens()).containsExactly(1);
    }

    @Test
    void originalLlamaConfigurationsWithoutKvHeadsAreMultiHead() throws IOException {
        config.remove("num_key_value_heads");
        assertThat(read().heads(0).numberOfKvHeads()).isEqualTo(8);
        try (ChaiModel model = ChaiModel.load(directory, ChaiOptions.exact());
                ChaiSession session = model.newSession()) {
            assertThat(TestModels.maxDifference(session.feed(1, 2, 3),
                    new ScalarTransformer(GoldenCases.directory("mha")).logits(new int[]{ 1, 2, 3 }, null)))
                    .isLessThan(1e-4);
        }
    }

    @Test
    void stockRefusesHeadsThatDoNotAddUp() throws IOException {
        config.put("head_dim", 32);
        read();
        assertThatThrownBy(() -> StockModel.load(directory, ChaiOptions.stock())).isInstanceOf(ModelLoadException.class)
                .hasMessageContaining("add up to 256 and not to hidden_size 128 wrongly");
    }

    /** Of more than a buffer of Java's holds, which Jlama's tensors are. */
    @Test
    void stockRefusesTensorsOfMoreThanTwoGigabytes() throws IOException {
        int vocabulary = (1 << 31 - 9) + 1; // rows of 512 bytes
        config.put("vocab_size", vocabulary).put("tie_word_embeddings", true);
        read();
        writeWithEmbedding(vocabulary);
        assertThatThrownBy(() -> StockModel.load(directory, ChaiOptions.stock())).isInstanceOf(ModelLoadException.class)
                .hasMessage(directory + ": tensor model.embed_tokens.weight has 536871040 values in 2147484160 bytes, "
                        + "Jlama's own layers take at most 2147483647 of both; "
                        + "exact and clustered attention have no such limit");
        try (ChaiModel model = ChaiModel.load(directory, ChaiOptions.exact())) {
            assertThat(model.config().vocabularySize()).isEqualTo(vocabulary);
        }
    }

    /** Gives the model another embedding, which is a hole in its file and takes no space on the disk. */
    private void writeWithEmbedding(int vocabulary) throws IOException {
        Path file = directory.resolve("model.safetensors");
        TestWeights weights = TestWeights.read(file);
        weights.tensors().keySet().removeAll(List.of("model.embed_tokens.weight", "lm_head.weight"));
        weights.write(file, 0);
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        byte[] header = new byte[Math.toIntExact(bytes.getLong())];
        bytes.get(header);
        long end = bytes.remaining() + vocabulary * 512L;
        ObjectNode tensors = (ObjectNode) MAPPER.readTree(header);
        ObjectNode embedding = tensors.putObject("model.embed_tokens.weight").put("dtype", "F32");
        embedding.putArray("shape").add(vocabulary).add(128);
        embedding.putArray("data_offsets").add(bytes.remaining()).add(end);
        byte[] json = tensors.toString().getBytes(StandardCharsets.UTF_8);
        try (RandomAccessFile large = new RandomAccessFile(file.toFile(), "rw")) {
            large.write(
                    ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).array());
            large.write(json);
            large.write(bytes.array(), bytes.position(), bytes.remaining());
            large.setLength(Long.BYTES + json.length + end);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = { "model.norm.weight", "model.layers.1.self_attn.k_proj.weight" })
    void weightsThatAreNoNumbersAreReportedAsSuch(String tensor) throws IOException {
        read();
        Path file = directory.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(file);
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int header = Math.toIntExact(buffer.getLong(0));
        int offset = MAPPER.readTree(new String(bytes, Long.BYTES, header, StandardCharsets.UTF_8)).path(tensor)
                .path("data_offsets").path(0).asInt();
        buffer.putFloat(Long.BYTES + header + offset, Float.NaN);
        Files.write(file, bytes);
        ClusterProfile profile = new ClusterProfile(ModelConfig.read(directory).shape(), List.of(4, 4, 4),
                Membership.defaults());
        try (ChaiModel model = ChaiModel.load(directory, ChaiOptions.clustered(profile))) {
            for (AttentionMode attention : List.of(AttentionMode.EXACT, AttentionMode.CLUSTERED)) {
                try (ChaiSession session = model.newSession(attention)) {
                    assertThatThrownBy(() -> session.feed(TestModels.tokens(9, 256, 1)))
                            .isInstanceOf(BrokenModelException.class).hasMessageContaining("are not finite numbers");
                }
            }
            assertThat(model.kvCacheAllocatedBytes()).isZero();
        }
    }

    @Test
    void ropeScalingWinsOverRopeParametersAndTheInnerThetaOverTheOuter() throws IOException {
        config.put("rope_theta", 10000);
        config.putObject("rope_parameters").put("rope_theta", 1000000).put("rope_type", "default");
        assertThat(read().layer(2).attention().rotary()).contains(new Rotary(1e6, new RotaryScaling.None()));
        config.putObject("rope_scaling").put("type", "linear").put("factor", 4);
        assertThat(read().layer(2).attention().rotary()).contains(new Rotary(1e6, new RotaryScaling.Linear(4)));
        config.putObject("rope_scaling").put("type", "linear").put("factor", 4).put("partial_rotary_factor", 0.5);
        assertThatThrownBy(this::read).hasMessageContaining("partial_rotary_factor");
    }

    @Test
    void yarnReachesAsFarAsItStretches() throws IOException {
        config.putObject("rope_scaling").put("type", "yarn").put("factor", 4).put("original_max_position_embeddings",
                2048);
        assertThat(read().contextLength()).isEqualTo(8192);
        config.put("max_position_embeddings", 16384);
        assertThat(read().contextLength()).isEqualTo(16384);
    }

    @Test
    void layerTypesSayWhichLayersHaveAWindow() throws IOException {
        config.put("model_type", "qwen2").put("use_sliding_window", true).put("sliding_window", 12)
                .put("max_window_layers", 0);
        assertThat(windows(read())).containsExactly(12, 12, 12);
        config.putArray("layer_types").add("full_attention").add("sliding_attention").add("full_attention");
        assertThat(windows(read())).containsExactly(0, 12, 0);
        config.putArray("layer_types").add("full_attention");
        assertThatThrownBy(this::read).isInstanceOf(ModelLoadException.class)
                .hasMessageContaining("'layer_types' must be a list with a string for each layer");
    }

    @Test
    void missingSizesMeanWhatTheyMeanElsewhere() throws IOException {
        config.remove("max_position_embeddings");
        assertThat(read().contextLength()).isEqualTo(2048);
        config.put("model_type", "mistral");
        assertThat(read().contextLength()).isEqualTo(131_072);
        assertThat(windows(read())).containsOnly(4096);
    }

    @Test
    void foreignQuantizationIsNamed() {
        config.putObject("quantization_config").put("quant_method", "gptq");
        assertThatThrownBy(this::read).isInstanceOf(ModelLoadException.class)
                .hasMessageContaining("weights quantized by 'gptq' are not supported");
    }

    @Test
    void endTokensComeFromBothFiles() throws IOException {
        config.putArray("eos_token_id").add(7).add(9);
        Files.writeString(directory.resolve("generation_config.json"), "{\"eos_token_id\": [9, 11]}");
        assertThat(read().eosTokens()).containsExactly(7, 9, 11);
    }

    @ParameterizedTest
    @ValueSource(strings = { "bert", "gpt_bigcode", "mamba", "" })
    void unsupportedModelTypesAreRefusedByName(String type) {
        config.put("model_type", type);
        assertThatThrownBy(this::read).isInstanceOf(ModelLoadException.class)
                .hasMessage("model type '" + type + "' is not supported; supported: llama, mistral, ministral3, "
                        + "mistral3, qwen2, qwen3, qwen3_moe, granite, granitemoe, gemma, gemma2, gemma3_text, gemma3, "
                        + "gemma4_text, gemma4, mixtral, phi3, olmo2, smollm3, gpt_oss, gpt2, opt");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            hidden_size             | 0        | 'hidden_size' must be a whole number from 1 to
            hidden_size             | 999999999| 'hidden_size' must be a whole number from 1 to
            hidden_size             | "wide"   | 'hidden_size' must be a whole number from 1 to
            num_hidden_layers | null | 'num_hidden_layers' must be a whole number from 1 to 16777216, found null
            num_attention_heads     | 7        | 'num_attention_heads' must be a divisor of hidden_size (128), found 7
            num_key_value_heads | 3 | 'num_key_value_heads' must be a divisor of num_attention_heads (8), found 3
            vocab_size              | -1       | 'vocab_size' must be a whole number from 1 to
            max_position_embeddings | 1.5      | 'max_position_embeddings' must be a whole number from 1 to
            rms_norm_eps            | -1       | 'rms_norm_eps' must be a number above 0, found -1
            rope_theta              | "x"      | 'rope_theta' must be a number above 0
            bos_token_id            | 256      | 'bos_token_id' must be a token from 0 to 255, found 256
            eos_token_id            | [1, 300] | 'eos_token_id' must be a token from 0 to 255, found 300
            model_type              | 5        | 'model_type' must be a string, found 5
            hidden_act | "relu6" | the activation function must be silu, gelu_pytorch_tanh, gelu_new, gelu or relu, \
            found relu6
            rope_scaling | {"rope_type": "proportional"} | rotary scaling 'proportional' is not supported; \
            supported: default, linear
            rope_scaling | {"rope_type": "longrope"} | 'short_factor' must be a list of numbers above 0, found nothing
            rope_scaling | {"type": "longrope", "short_factor": [1], "long_factor": [2]} | longrope must have a \
            factor for each of 8 pairs, found 1
            use_qk_norm             | true     | 'use_qk_norm' is not supported here, found true
            num_local_experts       | 8        | 'num_local_experts' is not supported here, found 8
            logits_scaling          | 4.0      | 'logits_scaling' is not supported here, found 4.0
            rope_scaling            | {"type": "linear"}    | 'factor' must be a number above 0, found nothing
            rope_scaling | {"type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 1} | \
            'high_freq_factor' must be above low_freq_factor (4.0), found 1
            head_dim                | 15       | heads of 15 values cannot be rotated in pairs
            """)
    void impossibleValuesSayWhatWasExpectedAndFound(String key, String value, String message) throws IOException {
        config.set(key, MAPPER.readTree(value));
        assertThatThrownBy(this::read).isInstanceOf(ModelLoadException.class)
                .hasMessageContaining(message);
    }

    @Test
    void aConfigurationThatDoesNotFitTheWeightsNamesTheTensor() throws IOException {
        config.put("intermediate_size", 512);
        read();
        assertThatThrownBy(() -> ChaiModel.load(directory, ChaiOptions.exact())).isInstanceOf(ModelLoadException.class)
                .hasMessageContaining("tensor model.layers.0.mlp.gate_proj.weight has shape [256, 128], "
                        + "config.json asks for [512, 128]");
    }

    @Test
    void missingLayersAreNamed() throws IOException {
        config.put("num_hidden_layers", 4);
        read();
        assertThatThrownBy(() -> ChaiModel.load(directory, ChaiOptions.exact())).isInstanceOf(ModelLoadException.class)
                .hasMessageContaining("has no tensor model.layers.3.input_layernorm.weight");
    }

    @Test
    void missingAndUnreadableFilesAreNamed() throws IOException {
        assertThatThrownBy(() -> ChaiModel.load(directory.resolve("nowhere"), ChaiOptions.exact()))
                .isInstanceOf(ModelLoadException.class).hasMessageContaining("nowhere does not exist");
        assertThatThrownBy(() -> ChaiModel.load(directory.resolve("model.safetensors"), ChaiOptions.exact()))
                .isInstanceOf(ModelLoadException.class).hasMessageContaining("is not a directory");
        assertThatThrownBy(() -> ChaiModel.load(directory, ChaiOptions.exact())).isInstanceOf(ModelLoadException.class)
                .hasMessageContaining("config.json does not exist");
        Files.writeString(directory.resolve("config.json"), "{");
        assertThatThrownBy(() -> ChaiModel.load(directory, ChaiOptions.exact())).isInstanceOf(ModelLoadException.class)
                .hasMessageContaining("config.json is not JSON");
        Files.writeString(directory.resolve("config.json"), "[]");
        assertThatThrownBy(() -> ChaiModel.load(directory, ChaiOptions.exact())).isInstanceOf(ModelLoadException.class)
                .hasMessageContaining("must hold a JSON object");
    }
}
