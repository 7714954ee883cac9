// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * GPT-2: learned positions instead of rotary ones, biases everywhere, layer norms with means, keys of config.json and
 * names of tensors of its own, and matrices stored the other way round than everybody's.
 */
final class Gpt2 {
    static final ModelFamily FAMILY = new ModelFamily("gpt2", Gpt2::read);

    /** Some files put another name before all, and some keep the causal mask of each layer. */
    private static final TensorNames NAMES = TensorNames.of(List.of(new TensorNames.Prefix("transformer.", "")),
            "h\\.\\d+\\.attn\\.(masked_)?bias", "lm_head\\.weight");
    private static final int DEFAULT_CONTEXT = 1024;
    private static final double DEFAULT_EPSILON = 1e-5;

    private Gpt2() {}

    private static ModelConfig read(ConfigValues config) {
        for (String unsupported : List.of("scale_attn_by_inverse_layer_idx", "add_cross_attention")) {
            if (config.flag(unsupported, false)) {
                throw config.refused("'" + unsupported + "' is not supported");
            }
        }
        if (!config.flag("scale_attn_weights", true) || !config.flag("tie_word_embeddings", true)) {
            throw config.refused("'scale_attn_weights' and 'tie_word_embeddings' must be true");
        }
        int layers = config.layers("n_layer");
        int hiddenSize = config.vectorLength("n_embd", config.size("n_embd"));
        int intermediateSize = config.vectorLength("n_inner", config.size("n_inner", 4 * hiddenSize));
        int heads = config.size("n_head");
        if (hiddenSize % heads != 0) {
            throw config.bad("n_head", "a divisor of n_embd (" + hiddenSize + ")");
        }
        HeadLayout layout = new HeadLayout(heads, heads, hiddenSize / heads);
        int vocabularySize = config.size("vocab_size");
        int contextLength = config.size("n_positions", config.size("n_ctx", DEFAULT_CONTEXT));
        float epsilon = (float) config.number("layer_norm_epsilon", DEFAULT_EPSILON);
        Activation activation = Activation.of(config, config.text("activation_function", "gelu_new"));
        return new ModelConfig("gpt2", hiddenSize, intermediateSize, vocabularySize, contextLength,
                new EmbeddingConfig(TensorPart.matrix("wte.weight", vocabularySize, hiddenSize),
                        Optional.empty(),
                        Optional.of(TensorPart.matrix("wpe.weight", contextLength, hiddenSize)), 1, false,
                        Optional.empty()),
                IntStream.range(0, layers)
                        .mapToObj(layer -> layer("h." + layer + ".", hiddenSize, intermediateSize, layout, epsilon,
                                activation))
                        .toList(),
                OutputConfig.of(NormConfig.layer(epsilon, "ln_f", hiddenSize), Optional.empty(), 1, 0),
                NAMES.withOthers(StoredQuantization.OTHER_TENSORS), StoredQuantization.of(config),
                config.token("bos_token_id", vocabularySize), config.tokens("eos_token_id", vocabularySize));
    }

    private static LayerConfig layer(String prefix, int hiddenSize, int intermediateSize, HeadLayout heads,
            float epsilon, Activation activation) {
        Projection queriesKeysValues = linear(prefix + "attn.c_attn", 3 * hiddenSize, hiddenSize);
        ScoreRules scores = new ScoreRules((float) (1 / Math.sqrt(heads.headSize())), 0, 0);
        return new LayerConfig(Optional.of(NormConfig.layer(epsilon, prefix + "ln_1", hiddenSize)),
                new AttentionConfig(heads, scores, Optional.empty(), queriesKeysValues.rows(0, hiddenSize),
                        KvConfig.Own.of(queriesKeysValues.rows(hiddenSize, hiddenSize),
                                queriesKeysValues.rows(2 * hiddenSize, hiddenSize)),
                        linear(prefix + "attn.c_proj", hiddenSize, hiddenSize), Optional.empty(), Optional.empty(),
                        Optional.empty()),
                Optional.empty(), Optional.of(NormConfig.layer(epsilon, prefix + "ln_2", hiddenSize)),
                new FeedForwardConfig.Mlp(activation, Optional.empty(),
                        linear(prefix + "mlp.c_fc", intermediateSize, hiddenSize),
                        linear(prefix + "mlp.c_proj", hiddenSize, intermediateSize)),
                Optional.empty(), Optional.empty(), Optional.empty(), 1, Optional.empty(), Optional.empty());
    }

    private static Projection linear(String name, int out, int in) {
        return new Projection(TensorPart.transposed(name + ".weight", out, in),
                Optional.of(TensorPart.vector(name + ".bias", out)));
    }
}
