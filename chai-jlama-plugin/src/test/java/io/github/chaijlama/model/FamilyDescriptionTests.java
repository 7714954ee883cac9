// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.TestWeights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What configurations of today's families may say, and what of it is refused. */
class FamilyDescriptionTests {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    @TempDir
    Path directory;

    private static ObjectNode config(String family) throws IOException {
        return (ObjectNode) MAPPER
                .readTree(Files.readString(GoldenCases.directory("families").resolve(family).resolve("config.json")));
    }

    private ModelConfig read(ObjectNode config) throws IOException {
        Files.writeString(directory.resolve("config.json"), config.toString());
        return ModelConfig.read(directory);
    }

    private static List<Integer> windows(ModelConfig config) {
        return config.layerConfigs().stream().map(layer -> layer.attention().scores().window()).toList();
    }

    private static List<Optional<Double>> thetas(ModelConfig config) {
        return config.layerConfigs().stream().map(layer -> layer.attention().rotary().map(Rotary::theta)).toList();
    }

    // ---- layers that differ ----

    @Test
    void gemma3HasWindowsAndAnglesByLayerInEitherSpelling() throws IOException {
        ObjectNode config = config("gemma3_text");
        assertThat(windows(read(config))).containsExactly(16, 16, 0, 16, 16, 0);
        config.remove("rope_parameters");
        config.put("rope_theta", 2e6).put("rope_local_base_freq", 3e4);
        config.putObject("rope_scaling").put("rope_type", "linear").put("factor", 8);
        config.remove("layer_types");
        config.put("sliding_window_pattern", 2).put("num_hidden_layers", 4);
        ModelConfig read = read(config);
        assertThat(windows(read)).containsExactly(16, 0, 16, 0);
        assertThat(read.layer(0).attention().rotary()).contains(new Rotary(3e4, new RotaryScaling.None()));
        assertThat(read.layer(1).attention().rotary()).contains(new Rotary(2e6, new RotaryScaling.Linear(8)));
    }

    /** As published, and as transformers 5 writes it; what it writes layer by layer counts alone. */
    @Test
    void gemma4HasHeadsByLayerInEitherSpelling() throws IOException {
        ObjectNode config = config("gemma4_text");
        HeadLayout sliding = new HeadLayout(4, 2, 16);
        HeadLayout full = new HeadLayout(4, 2, 32);
        assertThat(read(config).layerHeads()).containsExactly(sliding, sliding, full, sliding, sliding, full);
        config.put("attention_k_eq_v", true).put("global_head_dim", 64).put("num_global_key_value_heads", 1);
        assertThat(read(config).heads(2)).isEqualTo(full);
        ((ObjectNode) config.path("per_layer_config")).putObject("01").put("num_key_value_heads", 4);
        assertThat(read(config).heads(1)).isEqualTo(new HeadLayout(4, 4, 16));
        config.remove("per_layer_config");
        assertThat(read(config).layerHeads()).containsExactly(sliding, sliding, new HeadLayout(4, 1, 64), sliding,
                sliding, new HeadLayout(4, 1, 64));
        config.put("attention_k_eq_v", false).remove("global_head_dim");
        assertThat(read(config).heads(2)).isEqualTo(new HeadLayout(4, 2, 512));
        assertThat(windows(read(config))).containsExactly(16, 16, 0, 16, 16, 0);
        config.remove("layer_types");
        config.remove("sliding_window");
        config.put("num_hidden_layers", 8);
        assertThat(windows(read(config))).as("the last one sees everything").containsExactly(512, 512, 512, 512, 512,
                0, 512, 0);
    }

    @Test
    void theLastLayersOfGemma4UseKeysOfTheLastBeforeThemThatSeeAsFar() throws IOException {
        ObjectNode config = config("gemma4_shared");
        ModelConfig read = read(config);
        assertThat(read.attentions().stream().map(AttentionConfig::kv).filter(KvConfig.OfLayer.class::isInstance))
                .containsExactly(new KvConfig.OfLayer(2), new KvConfig.OfLayer(3), new KvConfig.OfLayer(2),
                        new KvConfig.OfLayer(3));
        assertThat(read.layerConfigs().stream().map(layer -> ((FeedForwardConfig.Mlp) layer.feedForward()).size()))
                .containsExactly(64, 64, 64, 64, 128, 128, 128, 128);
        config.put("use_double_wide_mlp", false);
        assertThat(((FeedForwardConfig.Mlp) read(config).layer(7).feedForward()).size()).isEqualTo(64);
    }

    @Test
    void gemma4TurnsAPartOfTheRowsOfLayersWithoutWindow() throws IOException {
        ObjectNode config = config("gemma4_text");
        Rotary full = new Rotary(1e6, new RotaryScaling.Proportional(0.25, 1));
        assertThat(read(config).layer(1).attention().rotary()).contains(new Rotary(1e4, new RotaryScaling.None()));
        assertThat(read(config).layer(2).attention().rotary()).contains(full);
        RotaryFrequencies frequencies = full.frequencies(32);
        assertThat(frequencies.pairs()).isEqualTo(16);
        assertThat(frequencies.frequency(3)).isEqualTo(Math.pow(1e6, -6.0 / 32));
        assertThat(frequencies.frequency(4)).isZero();
        config.remove("rope_parameters");
        assertThat(read(config).layer(1).attention().rotary()).contains(new Rotary(1e4, new RotaryScaling.None()));
        assertThat(read(config).layer(2).attention().rotary()).contains(full);
    }

    @Test
    void layersOfSmolLm3WithoutPositionsAreThoseThatAreSaidOrEveryFourth() throws IOException {
        ObjectNode config = config("smollm3").put("num_hidden_layers", 5);
        config.putArray("no_rope_layers").add(0).add(1).add(1).add(0).add(1);
        Optional<Double> turned = Optional.of(2e6);
        assertThat(thetas(read(config))).containsExactly(Optional.empty(), turned, turned, Optional.empty(), turned);
        config.putNull("no_rope_layers");
        assertThat(thetas(read(config))).containsExactly(turned, turned, turned, Optional.empty(), turned);
        config.put("no_rope_layer_interval", 2);
        assertThat(thetas(read(config))).containsExactly(turned, Optional.empty(), turned, Optional.empty(), turned);
        config.putArray("no_rope_layers").add(1);
        assertThatThrownBy(() -> read(config)).hasMessageContaining("'no_rope_layers' must be a list with a number");
    }

    @Test
    void someLayersOfQwen3WithExpertsHaveNone() throws IOException {
        ObjectNode config = config("qwen3_moe").put("decoder_sparse_step", 2);
        config.putArray("mlp_only_layers").add(3);
        assertThat(read(config).layerConfigs().stream()
                .map(layer -> layer.feedForward() instanceof FeedForwardConfig.Experts)).containsExactly(false, true,
                        false, false);
    }

    @Test
    void windowsOfEveryOtherLayerOfGptOss() throws IOException {
        ObjectNode config = config("gpt_oss");
        assertThat(windows(read(config))).containsExactly(16, 0, 16, 0);
        config.remove("layer_types");
        config.remove("sliding_window");
        assertThat(windows(read(config))).containsExactly(128, 0, 128, 0);
    }

    @Test
    void phi3KnowsOlderNamesOfItsScaling() throws IOException {
        ObjectNode config = config("phi3_partial");
        Optional<Rotary> rotary = read(config).layer(0).attention().rotary();
        assertThat(rotary.orElseThrow().turned(8)).isEqualTo(6);
        assertThat(rotary.orElseThrow().stretchedBeyond()).hasValue(64);
        ObjectNode old = (ObjectNode) config.remove("rope_parameters");
        old.remove("rope_type");
        config.put("rope_theta", 10_000.0);
        for (String name : List.of("su", "yarn", "longrope")) {
            config.set("rope_scaling", old.deepCopy().put("type", name));
            assertThat(read(config).layer(0).attention().rotary()).as(name).isEqualTo(rotary);
        }
    }

    // ---- what is refused ----

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            gpt_oss     | swiglu_limit                  | 8       | 'swiglu_limit' other than 7.0 is not supported
            gpt_oss     | quantization_config | {"quant_method": "fp8"} | weights quantized by 'fp8' are not supported
            qwen3       | quantization_config | {"quant_method": "mxfp4"} | weights quantized by 'mxfp4' are not
            qwen3_moe   | num_experts_per_tok           | 5       | must be at most num_local_experts (4)
            opt         | word_embed_proj_dim           | 16      | word_embed_proj_dim must be a multiple of 32
            gpt_oss     | rope_parameters               | null    | 'rope_scaling' must be an object
            opt         | layer_norm_elementwise_affine | false   | 'layer_norm_elementwise_affine' must be true
            gemma3_text | use_bidirectional_attention   | true    | 'use_bidirectional_attention' is not supported
            qwen3       | rope_local_base_freq          | 5e4     | 'rope_local_base_freq' is not supported here
            olmo2       | clip_qkv                      | 8       | 'clip_qkv' is not supported here, found 8
            qwen3_moe   | shared_expert_intermediate_size | 64    | 'shared_expert_intermediate_size' is not supported
            gemma3_text | layer_types                   | ["a"]   | 'layer_types' must be a list of sliding_attention
            phi3        | partial_rotary_factor         | 1.5     | 'partial_rotary_factor' must be at most 1
            qwen3       | rope_parameters | {"partial_rotary_factor": 0.5} | 'partial_rotary_factor' other than 1
            gemma4_text | use_bidirectional_attention | "all"  | 'use_bidirectional_attention' must be vision, or null
            gemma4_text | per_layer_config | {"6": {}} | 'per_layer_config' must be an object with numbers of layers
            gemma4_text | per_layer_config | {"1": {"sliding_window": 8}} | layers with num_key_value_heads and head_dim
            gemma4_text | per_layer_config | {"1": {"num_key_value_heads": 3}} | must be a divisor of
            gemma4_text | vocab_size_per_layer_input | 128 | 'vocab_size_per_layer_input' must be vocab_size (64)
            gemma4_text | hidden_size_per_layer_input | 16 | hidden_size_per_layer_input must be a multiple of 32
            gemma4_text | rope_parameters | {"full_attention": {"rope_theta": 5}} | an object with sliding_attention
            gemma4_text | num_kv_shared_layers | 4 | 'num_kv_shared_layers' must be less: layer 2 has no earlier one
            gemma4_text | num_kv_shared_layers | 6 | 'num_kv_shared_layers' must be less: layer 0 has no earlier one
            gemma4_shared | per_layer_config | {"2": {"head_dim": 32}} | layer 4 must have the heads of layer 2
            gemma4_text | enable_moe_block | true        | 'moe_intermediate_size' must be a whole number
            ministral3  | rope_parameters | {"rope_type": "default"} | 'llama_4_scaling_beta' must be a number above 0
            """)
    void whatIsNotComputedIsRefusedByName(String family, String key, String value, String message)
            throws IOException {
        ObjectNode config = config(family);
        if (key.equals("partial_rotary_factor")) {
            ((ObjectNode) config.path("rope_parameters")).remove(key);
        }
        config.set(key, MAPPER.readTree(value));
        assertThatThrownBy(() -> read(config)).isInstanceOf(ModelLoadException.class).hasMessageContaining(message);
    }

    @Test
    void halvesThatReadAreThoseThatAreKnown() throws IOException {
        ObjectNode config = MAPPER.createObjectNode().put("model_type", "mistral3");
        assertThatThrownBy(() -> read(config))
                .hasMessageContaining("'text_config' must be an object with the configuration of the text model");
        config.set("text_config", config("qwen3"));
        assertThatThrownBy(() -> read(config))
                .hasMessageContaining("'model_type' of 'text_config' must be mistral or ministral3, found qwen3");
    }

    /** As published: much of what is usual is not said. */
    @Test
    void gemma3ThatSeesSaysOnlyWhatIsUnusual() throws IOException {
        ObjectNode config = MAPPER.createObjectNode().put("model_type", "gemma3");
        ObjectNode text = config.putObject("text_config").put("model_type", "gemma3_text").put("hidden_size", 2560)
                .put("intermediate_size", 10240).put("num_hidden_layers", 34).put("sliding_window", 1024);
        text.putObject("rope_scaling").put("factor", 8.0).put("rope_type", "linear");
        config.putArray("eos_token_id").add(1).add(106);
        ModelConfig read = read(config);
        assertThat(read.modelType()).isEqualTo("gemma3");
        assertThat(read.heads(0)).isEqualTo(new HeadLayout(8, 4, 256));
        assertThat(read.vocabularySize()).isEqualTo(262_208);
        assertThat(read.contextLength()).isEqualTo(131_072);
        assertThat(read.tiedEmbeddings()).isTrue();
        assertThat(read.eosTokens()).containsExactly(1, 106);
        assertThat(windows(read).subList(0, 7)).containsExactly(1024, 1024, 1024, 1024, 1024, 0, 1024);
        assertThat(read.layer(5).attention().rotary()).contains(new Rotary(1e6, new RotaryScaling.Linear(8)));
        assertThat(read.layer(6).attention().rotary()).contains(new Rotary(1e4, new RotaryScaling.None()));
        assertThat(read.layer(6).attention().scores().scale()).isEqualTo(1 / 16f);
    }

    // ---- tensors ----

    private TestWeights copy(String family) throws IOException {
        Path golden = GoldenCases.directory("families").resolve(family);
        Files.copy(golden.resolve("config.json"), directory.resolve("config.json"));
        return TestWeights.read(golden.resolve("model.safetensors"));
    }

    private float[] logits(TestWeights weights) {
        weights.write(directory.resolve("model.safetensors"), 0);
        try (ChaiModel model = ChaiModel.load(directory, ChaiOptions.exact());
                ChaiSession session = model.newSession()) {
            return session.feed(TestModels.tokens(9, 64, 1));
        }
    }

    @Test
    void tensorsThatNothingIsComputedWithAreRefusedByName() throws IOException {
        TestWeights weights = copy("qwen3");
        weights.put("model.layers.4.self_attn.q_proj.weight", "F32", new long[]{ 1 }, new byte[4]);
        assertThatThrownBy(() -> logits(weights)).isInstanceOf(ModelLoadException.class)
                .hasMessage(directory + ": tensor model.layers.4.self_attn.q_proj.weight is none that config.json asks "
                        + "for, and would be ignored");
    }

    @Test
    void frequenciesOfOldFilesAreNotNeeded() throws IOException {
        TestWeights weights = copy("qwen3");
        float[] expected = logits(weights);
        weights.put("model.layers.1.self_attn.rotary_emb.inv_freq", "F32", new long[]{ 8 }, new byte[32]);
        assertThat(logits(weights)).containsExactly(expected);
    }

    /** Some files have the table of tokens twice. Where it is another matrix it counts, whatever config.json says. */
    @Test
    void theTableOnceMoreIsTheOutputAndSoIsAnotherMatrix() throws IOException {
        TestWeights weights = copy("smollm3");
        float[] expected = logits(weights);
        TestWeights.Tensor table = weights.tensors().get("model.embed_tokens.weight");
        weights.put("lm_head.weight", table.type(), table.shape(), table.bytes());
        assertThat(logits(weights)).containsExactly(expected);
        byte[] changed = table.bytes().clone();
        changed[3] ^= (byte) 0x80; // the sign of the first value
        weights.put("lm_head.weight", table.type(), table.shape(), changed);
        float[] other = logits(weights);
        assertThat(other[0]).isNotEqualTo(expected[0]);
        assertThat(Arrays.copyOfRange(other, 1, 64)).containsExactly(Arrays.copyOfRange(expected, 1, 64));
        Files.writeString(directory.resolve("config.json"),
                config("smollm3").put("tie_word_embeddings", false).toString());
        assertThat(logits(weights)).containsExactly(other);
    }

    @Test
    void optsNamesMayBeShorter() throws IOException {
        TestWeights weights = copy("opt");
        float[] expected = logits(weights);
        for (String name : List.copyOf(weights.tensors().keySet())) {
            TestWeights.Tensor tensor = weights.tensors().remove(name);
            weights.put(name.substring("model.".length()), tensor.type(), tensor.shape(), tensor.bytes());
        }
        assertThat(logits(weights)).containsExactly(expected);
    }

    // ---- functions ----

    @ParameterizedTest
    @CsvSource({ "0, 0", "0.1, 0.1124629160182849", "0.5, 0.5204998778130465", "1, 0.8427007929497149",
            "2, 0.9953222650189527", "3.5, 0.9999992569016276", "6, 1", "40, 1" })
    void errorFunction(double x, double expected) {
        assertThat(ErrorFunction.of(x)).isCloseTo(expected, org.assertj.core.api.Assertions.within(2e-15));
        assertThat(ErrorFunction.of(-x)).isEqualTo(-ErrorFunction.of(x));
    }

    @Test
    void queriesGrowWithEveryLength() {
        QueryGain gain = new QueryGain(0.1, 64);
        assertThat(Arrays.asList(gain.at(0), gain.at(63))).containsOnly(1f);
        assertThat(gain.at(64)).isEqualTo((float) (1 + 0.1 * Math.log(2)));
        assertThat(gain.at(200)).isEqualTo((float) (1 + 0.1 * Math.log(4)));
    }
}
