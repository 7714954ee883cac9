// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** OPT, the model of the paper: learned positions, biases, layer norms with means, no gate. */
final class Opt {
    static final ModelFamily FAMILY = new ModelFamily("opt", Opt::read);

    /** Some files leave the first part of names out. */
    private static final TensorNames NAMES = TensorNames
            .of(List.of(new TensorNames.Prefix("decoder.", "model.decoder.")));
    /** The first rows of the table of positions belong to none. */
    private static final int POSITION_OFFSET = 2;
    private static final float EPSILON = 1e-5f;

    private Opt() {}

    private static ModelConfig read(ConfigValues config) {
        if (!config.flag("layer_norm_elementwise_affine", true)) {
            throw config.refused("'layer_norm_elementwise_affine' must be true");
        }
        if (!config.flag("do_layer_norm_before", true)) {
            throw config.refused("'do_layer_norm_before' must be true: norms behind sums are not supported");
        }
        if (config.flag("_remove_final_layer_norm", false)) {
            throw config.refused("'_remove_final_layer_norm' must be false");
        }
        int layers = config.layers("num_hidden_layers");
        int hiddenSize = config.vectorLength("hidden_size", config.size("hidden_size"));
        int tableSize = config.size("word_embed_proj_dim", hiddenSize);
        if (tableSize != hiddenSize) {
            throw config.refused("'word_embed_proj_dim' must be hidden_size (" + hiddenSize + "), found " + tableSize);
        }
        int intermediateSize = config.vectorLength("ffn_dim", config.size("ffn_dim"));
        int heads = config.size("num_attention_heads");
        HeadLayout layout = new HeadLayout(heads, heads, LlamaReader.dividedHeadSize(config, hiddenSize, heads));
        int vocabularySize = config.size("vocab_size");
        int contextLength = config.size("max_position_embeddings", 2048);
        Activation activation = Activation.of(config, config.text("activation_function", "relu"));
        boolean biased = config.flag("enable_bias", true);
        TensorPart tokens = TensorPart.matrix("model.decoder.embed_tokens.weight", vocabularySize, hiddenSize);
        TensorPart positions = TensorPart
                .matrix("model.decoder.embed_positions.weight", contextLength + POSITION_OFFSET, hiddenSize)
                .rows(POSITION_OFFSET, contextLength);
        return new ModelConfig("opt", hiddenSize, intermediateSize, vocabularySize, contextLength,
                new EmbeddingConfig(tokens, Optional.of(positions), 1, false),
                IntStream.range(0, layers).mapToObj(layer -> layer("model.decoder.layers." + layer + ".", hiddenSize,
                        intermediateSize, layout, activation, biased)).toList(),
                new OutputConfig(NormConfig.layer(EPSILON, "model.decoder.final_layer_norm", hiddenSize),
                        config.flag("tie_word_embeddings", true) ? Optional.empty()
                                : Optional.of(TensorPart.matrix("lm_head.weight", vocabularySize, hiddenSize)),
                        1, 0),
                NAMES, config.token("bos_token_id", vocabularySize), config.tokens("eos_token_id", vocabularySize));
    }

    private static LayerConfig layer(String prefix, int hiddenSize, int intermediateSize, HeadLayout heads,
            Activation activation, boolean biased) {
        String attention = prefix + "self_attn.";
        ScoreRules scores = new ScoreRules((float) (1 / Math.sqrt(heads.headSize())), 0, 0);
        return new LayerConfig(Optional.of(NormConfig.layer(EPSILON, prefix + "self_attn_layer_norm", hiddenSize)),
                new AttentionConfig(heads, scores, Optional.empty(),
                        Projection.named(attention + "q_proj", hiddenSize, hiddenSize, biased),
                        Projection.named(attention + "k_proj", hiddenSize, hiddenSize, biased),
                        Projection.named(attention + "v_proj", hiddenSize, hiddenSize, biased),
                        Projection.named(attention + "out_proj", hiddenSize, hiddenSize, biased), Optional.empty(),
                        Optional.empty(), Optional.empty(), Optional.empty()),
                Optional.empty(), Optional.of(NormConfig.layer(EPSILON, prefix + "final_layer_norm", hiddenSize)),
                new FeedForwardConfig.Mlp(activation, Optional.empty(),
                        Projection.named(prefix + "fc1", intermediateSize, hiddenSize, biased),
                        Projection.named(prefix + "fc2", hiddenSize, intermediateSize, biased)),
                Optional.empty(), 1);
    }
}
