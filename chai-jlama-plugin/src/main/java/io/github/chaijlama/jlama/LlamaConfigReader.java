// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.util.List;

import com.github.tjake.jlama.math.ActivationFunction;

import io.github.chaijlama.attention.HeadLayout;

/** Reads the configurations of Llama and the families that took over its keys. */
final class LlamaConfigReader {
    private static final int VECTOR_LENGTH = 32;

    private LlamaConfigReader() {}

    static ModelConfig read(ModelFamily family, ConfigValues config) {
        refuseUnsupported(config);
        int layers = config.count("num_hidden_layers");
        int hiddenSize = vectorLength(config, "hidden_size", config.size("hidden_size"));
        HeadLayout heads = heads(family, config, hiddenSize);
        int vocabularySize = config.size("vocab_size");
        int trainedLength = config.size("max_position_embeddings", family.defaultContextLength());
        Rotary rotary = Rotary.read(config, family.defaultTheta(), trainedLength);
        int experts = family.experts(config);
        int expertsPerToken = experts == 0 ? 0 : config.size("num_experts_per_tok", 2);
        if (expertsPerToken > experts) {
            throw config.bad("num_experts_per_tok", "at most num_local_experts (" + experts + ")");
        }
        if (experts > 0 && heads.queryLength() != hiddenSize) {
            throw config.refused("heads whose sizes do not add up to hidden_size are not supported in this family");
        }
        return new ModelConfig(family, layers, hiddenSize,
                vectorLength(config, "intermediate_size", config.size("intermediate_size")), heads,
                family.scores(config, heads, layers), rotary,
                vocabularySize, rotary.contextLength(trainedLength),
                (float) config.number("rms_norm_eps", family.defaultEpsilon()),
                activation(config, family.activation(config)), family.multipliers(config, hiddenSize), experts,
                expertsPerToken, config.flag("tie_word_embeddings", family.defaultTied()),
                config.token("bos_token_id", vocabularySize), config.tokens("eos_token_id", vocabularySize));
    }

    private static HeadLayout heads(ModelFamily family, ConfigValues config, int hiddenSize) {
        int heads = config.size("num_attention_heads");
        int headSize = config.size("head_dim", family.defaultHeadSize(hiddenSize, heads));
        if (!config.has("head_dim") && headSize == hiddenSize / heads && hiddenSize % heads != 0) {
            throw config.bad("num_attention_heads", "a divisor of hidden_size (" + hiddenSize + ")");
        }
        int kvHeads = config.isNull("num_key_value_heads") ? heads
                : config.size("num_key_value_heads", family.defaultKvHeads(heads));
        if (heads % kvHeads != 0) {
            throw config.bad("num_key_value_heads", "a divisor of num_attention_heads (" + heads + ")");
        }
        if (headSize % 2 != 0) {
            throw config.refused("heads of " + headSize + " values cannot be rotated in pairs");
        }
        if ((long) heads * headSize > ConfigValues.MAX_SIZE) {
            throw config
                    .refused(heads + " heads of " + headSize + " values are more than " + ConfigValues.MAX_SIZE);
        }
        vectorLength(config, "num_attention_heads times the size of a head", heads * headSize);
        return new HeadLayout(heads, kvHeads, headSize);
    }

    /**
     * Jlama's dot products read whole vectors: of a length that is no multiple of this they leave the rest out,
     * silently.
     */
    static int vectorLength(ConfigValues config, String what, int length) {
        if (length % VECTOR_LENGTH != 0) {
            throw config.refused(what + " must be a multiple of " + VECTOR_LENGTH + ", found " + length);
        }
        return length;
    }

    /** Jlama would compute these models without a word, and wrongly. */
    private static void refuseUnsupported(ConfigValues config) {
        for (String unsupported : List.of("attention_bias", "mlp_bias", "use_bidirectional_attention")) {
            if (config.flag(unsupported, false)) {
                throw config.refused("'" + unsupported + "' is not supported");
            }
        }
        ConfigValues quantization = config.object("quantization_config");
        if (!quantization.isEmpty()) {
            throw config.refused("weights quantized by '" + Excerpt.of(quantization.text("quant_method", "unknown"))
                    + "' are not supported");
        }
    }

    static ActivationFunction.Type activation(ConfigValues config, String name) {
        return switch (name) {
            case "silu" -> ActivationFunction.Type.SILU;
            case "gelu_pytorch_tanh", "gelu_new" -> ActivationFunction.Type.GELU_PYTORCH_TANH;
            default -> throw config.refused(
                    "the activation function must be silu, gelu_pytorch_tanh or gelu_new, found " + Excerpt.of(name));
        };
    }
}
