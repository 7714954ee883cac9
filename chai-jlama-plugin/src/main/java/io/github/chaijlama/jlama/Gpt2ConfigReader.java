// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.util.Collections;
import java.util.List;

import io.github.chaijlama.attention.HeadLayout;
import io.github.chaijlama.attention.ScoreRules;

/** Reads configurations with GPT-2's own keys, and knows its tensors. */
final class Gpt2ConfigReader {
    private static final int DEFAULT_CONTEXT = 1024;
    private static final double DEFAULT_EPSILON = 1e-5;

    private Gpt2ConfigReader() {}

    static ModelConfig read(ConfigValues config) {
        for (String unsupported : List.of("scale_attn_by_inverse_layer_idx", "add_cross_attention")) {
            if (config.flag(unsupported, false)) {
                throw config.refused("'" + unsupported + "' is not supported");
            }
        }
        if (!config.flag("scale_attn_weights", true) || !config.flag("tie_word_embeddings", true)) {
            throw config.refused("'scale_attn_weights' and 'tie_word_embeddings' must be true");
        }
        int layers = config.count("n_layer");
        int hiddenSize = LlamaConfigReader.vectorLength(config, "n_embd", config.size("n_embd"));
        int heads = config.size("n_head");
        if (hiddenSize % heads != 0) {
            throw config.bad("n_head", "a divisor of n_embd (" + hiddenSize + ")");
        }
        int headSize = hiddenSize / heads;
        int vocabularySize = config.size("vocab_size");
        return new ModelConfig(ModelFamily.GPT2, layers, hiddenSize,
                LlamaConfigReader.vectorLength(config, "n_inner", config.size("n_inner", 4 * hiddenSize)),
                new HeadLayout(heads, heads, headSize),
                new ScoreRules((float) (1 / Math.sqrt(headSize)), 0, Collections.nCopies(layers, 0)), null,
                vocabularySize, config.size("n_positions", config.size("n_ctx", DEFAULT_CONTEXT)),
                (float) config.number("layer_norm_epsilon", DEFAULT_EPSILON),
                LlamaConfigReader.activation(config, config.text("activation_function", "gelu_new")), Multipliers.NONE,
                0, 0, true, config.token("bos_token_id", vocabularySize),
                config.tokens("eos_token_id", vocabularySize));
    }

    /** Weights of the linear layers are stored {@code (in, out)}. */
    static void requireWeights(ModelConfig config, SafetensorsWeights weights) {
        long hidden = config.hiddenSize();
        long intermediate = config.intermediateSize();
        weights.require("wte.weight", config.vocabularySize(), hidden);
        weights.require("wpe.weight", config.contextLength(), hidden);
        for (int layer = 0; layer < config.layers(); layer++) {
            String prefix = "h." + layer + ".";
            requireBoth(weights, prefix + "ln_1", hidden);
            requireLinear(weights, prefix + "attn.c_attn", hidden, 3 * hidden);
            requireLinear(weights, prefix + "attn.c_proj", hidden, hidden);
            requireBoth(weights, prefix + "ln_2", hidden);
            requireLinear(weights, prefix + "mlp.c_fc", hidden, intermediate);
            requireLinear(weights, prefix + "mlp.c_proj", intermediate, hidden);
        }
        requireBoth(weights, "ln_f", hidden);
    }

    private static void requireLinear(SafetensorsWeights weights, String name, long in, long out) {
        weights.require(name + ".weight", in, out);
        weights.require(name + ".bias", out);
    }

    private static void requireBoth(SafetensorsWeights weights, String name, long length) {
        weights.require(name + ".weight", length);
        weights.require(name + ".bias", length);
    }
}
