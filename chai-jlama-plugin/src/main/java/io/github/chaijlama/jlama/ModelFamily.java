// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import com.github.tjake.jlama.math.FloatConversions;
import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.AbstractModel.InferenceType;
import com.github.tjake.jlama.model.gemma.GemmaModel;
import com.github.tjake.jlama.model.gemma2.Gemma2Model;
import com.github.tjake.jlama.model.gpt2.GPT2Model;
import com.github.tjake.jlama.model.granite.GraniteModel;
import com.github.tjake.jlama.model.llama.LlamaModel;
import com.github.tjake.jlama.model.mistral.MistralModel;
import com.github.tjake.jlama.model.mixtral.MixtralModel;
import com.github.tjake.jlama.model.qwen2.Qwen2Model;
import com.github.tjake.jlama.safetensors.Config;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.WeightLoader;
import com.github.tjake.jlama.safetensors.tokenizer.Tokenizer;

import io.github.chaijlama.attention.HeadLayout;
import io.github.chaijlama.attention.ScoreRules;

/**
 * The architectures that are supported. What differs from one to the next is said here; what a missing value of
 * config.json means is, for sizes and rules, what it means to Hugging Face.
 */
public enum ModelFamily {
    /** Llama 1, 2 and 3, and models of the same layout; multi-head and grouped-query. */
    LLAMA("llama", LlamaModel::new),

    /** Mistral: heads whose sizes need not add up to the row, sliding window. */
    MISTRAL("mistral", MistralModel::new) {
        @Override
        int defaultKvHeads(int heads) {
            return 8;
        }

        @Override
        int window(ConfigValues config, int layer) {
            return config.isNull("sliding_window") ? 0 : config.size("sliding_window", 4096);
        }
    },

    /** Qwen 2 and 2.5: queries, keys and values have biases; a window in the upper layers of some. */
    QWEN2("qwen2", Qwen2Model::new) {
        @Override
        int window(ConfigValues config, int layer) {
            boolean slides = slides(config, layer, layer >= config.countOrNone("max_window_layers", 28));
            return config.flag("use_sliding_window", false) && slides && !config.isNull("sliding_window")
                    ? config.size("sliding_window", 4096)
                    : 0;
        }

        @Override
        void requireAttention(ModelConfig config, SafetensorsWeights weights, String prefix) {
            super.requireAttention(config, weights, prefix);
            weights.require(prefix + "q_proj.bias", config.heads().queryLength());
            weights.require(prefix + "k_proj.bias", config.heads().kvLength());
            weights.require(prefix + "v_proj.bias", config.heads().kvLength());
        }
    },

    /** Granite 3: Llama with multipliers. */
    GRANITE("granite", GraniteModel::new) {
        @Override
        double scale(ConfigValues config, int headSize) {
            return config.number("attention_multiplier", 1);
        }

        @Override
        Multipliers multipliers(ConfigValues config, int hiddenSize) {
            return new Multipliers((float) config.number("embedding_multiplier", 1),
                    (float) config.number("residual_multiplier", 1), (float) config.number("logits_scaling", 1), 0);
        }
    },

    /** Gemma: embeddings scaled, weights of norms count from 1, multi-query in the small one. */
    GEMMA("gemma", GemmaModel::new) {
        @Override
        int defaultHeadSize(int hiddenSize, int heads) {
            return 256;
        }

        @Override
        int defaultKvHeads(int heads) {
            return 16;
        }

        @Override
        String activation(ConfigValues config) {
            return config.text("hidden_activation", "gelu_pytorch_tanh"); // hidden_act of the first files was a mistake
        }

        @Override
        Multipliers multipliers(ConfigValues config, int hiddenSize) {
            return Multipliers.ofEmbedding(Math.sqrt(hiddenSize));
        }

        @Override
        boolean defaultTied() {
            return true;
        }
    },

    /** Gemma 2: as Gemma, with caps on scores and logits, norms on both sides, and a window in every other layer. */
    GEMMA2("gemma2", Gemma2Model::new) {
        @Override
        int defaultHeadSize(int hiddenSize, int heads) {
            return 256;
        }

        @Override
        int defaultKvHeads(int heads) {
            return 4;
        }

        @Override
        String activation(ConfigValues config) {
            return config.text("hidden_activation", "gelu_pytorch_tanh");
        }

        @Override
        double scale(ConfigValues config, int headSize) {
            return 1 / Math.sqrt(config.number("query_pre_attn_scalar", 256));
        }

        @Override
        double softCap(ConfigValues config) {
            return config.isNull("attn_logit_softcapping") ? 0 : config.number("attn_logit_softcapping", 50);
        }

        @Override
        int window(ConfigValues config, int layer) {
            return slides(config, layer, layer % 2 == 0) && !config.isNull("sliding_window")
                    ? config.size("sliding_window", 4096)
                    : 0;
        }

        @Override
        Multipliers multipliers(ConfigValues config, int hiddenSize) {
            double cap = config.isNull("final_logit_softcapping") ? 0 : config.number("final_logit_softcapping", 30);
            return new Multipliers((float) Math.sqrt(hiddenSize), 1, 1, (float) cap);
        }

        @Override
        boolean defaultTied() {
            return true;
        }

        @Override
        void requireLayer(ModelConfig config, SafetensorsWeights weights, String prefix) {
            super.requireLayer(config, weights, prefix);
            weights.require(prefix + "pre_feedforward_layernorm.weight", config.hiddenSize());
            weights.require(prefix + "post_feedforward_layernorm.weight", config.hiddenSize());
        }
    },

    /** Mixtral: Mistral with several feed-forward networks, two of which a router chooses for every token. */
    MIXTRAL("mixtral", MixtralModel::new) {
        @Override
        int defaultKvHeads(int heads) {
            return 8;
        }

        @Override
        double defaultTheta() {
            return 1e6;
        }

        @Override
        double defaultEpsilon() {
            return 1e-5;
        }

        @Override
        int experts(ConfigValues config) {
            return config.has("num_local_experts") ? config.count("num_local_experts") : 8;
        }

        @Override
        int window(ConfigValues config, int layer) {
            return config.has("sliding_window") ? config.size("sliding_window") : 0;
        }

        @Override
        void requireFeedForward(ModelConfig config, SafetensorsWeights weights, String layerPrefix) {
            String prefix = layerPrefix + "block_sparse_moe.";
            weights.require(prefix + "gate.weight", config.experts(), config.hiddenSize());
            for (int expert = 0; expert < config.experts(); expert++) {
                String name = prefix + "experts." + expert + ".";
                weights.require(name + "w1.weight", config.intermediateSize(), config.hiddenSize());
                weights.require(name + "w2.weight", config.hiddenSize(), config.intermediateSize());
                weights.require(name + "w3.weight", config.intermediateSize(), config.hiddenSize());
            }
        }
    },

    /** GPT-2: learned positions instead of rotary ones, biases everywhere, layer norms with means. */
    GPT2("gpt2", GPT2Model::new) {
        @Override
        boolean isRotary() {
            return false;
        }

        @Override
        String embeddingName() {
            return "wte.weight";
        }

        @Override
        boolean needsF32() {
            return true;
        }

        @Override
        String weightPrefix() {
            return "transformer.";
        }

        @Override
        String positionEmbeddingName() {
            return "wpe.weight";
        }

        @Override
        ModelConfig readConfig(ConfigValues config) {
            return Gpt2ConfigReader.read(config);
        }

        @Override
        void requireWeights(ModelConfig config, SafetensorsWeights weights) {
            Gpt2ConfigReader.requireWeights(config, weights);
        }
    };

    private final String modelType;
    private final Loader loader;

    /** A constructor of Jlama's model classes. */
    @FunctionalInterface
    private interface Loader {
        AbstractModel load(InferenceType type, Config config, WeightLoader weights, Tokenizer tokenizer,
                DType workingType, DType workingQuantizedType, Optional<DType> weightType);
    }

    ModelFamily(String modelType, Loader loader) {
        this.modelType = modelType;
        this.loader = loader;
    }

    /** Returns the {@code model_type} of config.json. */
    public String modelType() {
        return modelType;
    }

    /**
     * Returns the family of a {@code model_type}.
     *
     * @throws ModelLoadException if it is not supported, with its name and those that are
     */
    static ModelFamily of(String modelType) {
        return Arrays.stream(values()).filter(family -> family.modelType.equals(modelType)).findFirst()
                .orElseThrow(() -> new ModelLoadException("model type '" + modelType + "' is not supported; supported: "
                        + Arrays.stream(values()).map(ModelFamily::modelType).collect(Collectors.joining(", "))));
    }

    /**
     * Builds Jlama's model.
     *
     * @param rotary     whether Jlama's own attention will run and needs its table of angles
     * @param weightType type the weights are kept in, empty to leave the choice to Jlama
     */
    AbstractModel load(ModelConfig config, boolean rotary, WeightLoader weights, Optional<DType> weightType) {
        return loader.load(InferenceType.FULL_GENERATION, config.toJlama(rotary), weights, new NoTokenizer(), DType.F32,
                DType.F32, weightType);
    }

    // ---- config.json ----

    ModelConfig readConfig(ConfigValues config) {
        return LlamaConfigReader.read(this, config);
    }

    int defaultHeadSize(int hiddenSize, int heads) {
        return hiddenSize / heads;
    }

    /** The configurations of the original LLaMA have no num_key_value_heads: every head has its own. */
    int defaultKvHeads(int heads) {
        return heads;
    }

    double defaultTheta() {
        return 10000;
    }

    double defaultEpsilon() {
        return 1e-6;
    }

    boolean defaultTied() {
        return false;
    }

    boolean isRotary() {
        return true;
    }

    double scale(ConfigValues config, int headSize) {
        return 1 / Math.sqrt(headSize);
    }

    double softCap(ConfigValues config) {
        return 0;
    }

    int window(ConfigValues config, int layer) {
        return 0;
    }

    /** Whether a layer's window is used: {@code layer_types} says, or else the family's rule. */
    static boolean slides(ConfigValues config, int layer, boolean rule) {
        String type = config.text("layer_types", layer);
        if (type == null) {
            return rule;
        }
        return switch (type) {
            case "sliding_attention" -> true;
            case "full_attention" -> false;
            default -> throw config.bad("layer_types", "a list of sliding_attention and full_attention");
        };
    }

    String activation(ConfigValues config) {
        return config.text("hidden_act", "silu");
    }

    /** Positions of the context where config.json says nothing. */
    int defaultContextLength() {
        return switch (this) {
            case MISTRAL, MIXTRAL -> 131_072;
            case QWEN2 -> 32_768;
            case GEMMA, GEMMA2 -> 8192;
            case LLAMA, GRANITE, GPT2 -> 2048;
        };
    }

    Multipliers multipliers(ConfigValues config, int hiddenSize) {
        return Multipliers.NONE;
    }

    int experts(ConfigValues config) {
        return 0;
    }

    final ScoreRules scores(ConfigValues config, HeadLayout heads, int layers) {
        return new ScoreRules((float) scale(config, heads.headSize()), (float) softCap(config),
                IntStream.range(0, layers).map(layer -> window(config, layer)).boxed().toList());
    }

    // ---- weights ----

    String embeddingName() {
        return "model.embed_tokens.weight";
    }

    /** Returns what some files put before every name. */
    String weightPrefix() {
        return "";
    }

    /**
     * Whether Jlama turns the matrices of this family round when it loads them, which it can do with 32-bit floats
     * only.
     */
    boolean needsF32() {
        return false;
    }

    /** Returns the name of the positions' embeddings, null if the family has none. */
    String positionEmbeddingName() {
        return null;
    }

    /**
     * Returns the factor of a token's embedding. Hugging Face multiplies in the type of the model's weights: for BF16
     * the factor is rounded first.
     */
    float embeddingMultiplier(ModelConfig config, DType weightType) {
        float factor = config.multipliers().embedding();
        return weightType == DType.BF16 && (this == GEMMA || this == GEMMA2)
                ? FloatConversions.bFloat16ToFloat32(FloatConversions.float32ToBFloat16(factor))
                : factor;
    }

    /** Checks that every tensor of the architecture is there with the shape the configuration implies. */
    void requireWeights(ModelConfig config, SafetensorsWeights weights) {
        weights.require(embeddingName(), config.vocabularySize(), config.hiddenSize());
        for (int layer = 0; layer < config.layers(); layer++) {
            requireLayer(config, weights, "model.layers." + layer + ".");
        }
        weights.require("model.norm.weight", config.hiddenSize());
        if (!config.tiedEmbeddings()) {
            weights.require("lm_head.weight", config.vocabularySize(), config.hiddenSize());
        }
    }

    void requireLayer(ModelConfig config, SafetensorsWeights weights, String prefix) {
        weights.require(prefix + "input_layernorm.weight", config.hiddenSize());
        requireAttention(config, weights, prefix + "self_attn.");
        weights.require(prefix + "post_attention_layernorm.weight", config.hiddenSize());
        requireFeedForward(config, weights, prefix);
    }

    void requireAttention(ModelConfig config, SafetensorsWeights weights, String prefix) {
        long hidden = config.hiddenSize();
        long query = config.heads().queryLength();
        long kv = config.heads().kvLength();
        weights.require(prefix + "q_proj.weight", query, hidden);
        weights.require(prefix + "k_proj.weight", kv, hidden);
        weights.require(prefix + "v_proj.weight", kv, hidden);
        weights.require(prefix + "o_proj.weight", hidden, query);
    }

    void requireFeedForward(ModelConfig config, SafetensorsWeights weights, String layerPrefix) {
        long hidden = config.hiddenSize();
        long intermediate = config.intermediateSize();
        weights.require(layerPrefix + "mlp.gate_proj.weight", intermediate, hidden);
        weights.require(layerPrefix + "mlp.up_proj.weight", intermediate, hidden);
        weights.require(layerPrefix + "mlp.down_proj.weight", hidden, intermediate);
    }
}
