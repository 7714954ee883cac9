// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * OPT, the model of the paper: learned positions, biases, layer norms with means, no gate. The one of 350 million has
 * its norms behind sums, and tokens of another length than rows.
 */
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
        int layers = config.layers("num_hidden_layers");
        int hiddenSize = config.vectorLength("hidden_size", config.size("hidden_size"));
        int width = config.vectorLength("word_embed_proj_dim", config.size("word_embed_proj_dim", hiddenSize));
        boolean before = config.flag("do_layer_norm_before", true);
        boolean last = before && !config.flag("_remove_final_layer_norm", false);
        int intermediateSize = config.vectorLength("ffn_dim", config.size("ffn_dim"));
        int heads = config.size("num_attention_heads");
        HeadLayout layout = new HeadLayout(heads, heads, LlamaReader.dividedHeadSize(config, hiddenSize, heads));
        int vocabularySize = config.size("vocab_size");
        int contextLength = config.size("max_position_embeddings", 2048);
        Activation activation = Activation.of(config, config.text("activation_function", "relu"));
        boolean biased = config.flag("enable_bias", true);
        TensorPart tokens = TensorPart.matrix("model.decoder.embed_tokens.weight", vocabularySize, width);
        TensorPart positions = TensorPart
                .matrix("model.decoder.embed_positions.weight", contextLength + POSITION_OFFSET, hiddenSize)
                .rows(POSITION_OFFSET, contextLength);
        return new ModelConfig("opt", hiddenSize, intermediateSize, vocabularySize, contextLength,
                new EmbeddingConfig(tokens, projection(width, "project_in", hiddenSize, width, hiddenSize),
                        Optional.of(positions), 1, false, Optional.empty()),
                IntStream.range(0, layers).mapToObj(layer -> layer("model.decoder.layers." + layer + ".", hiddenSize,
                        intermediateSize, layout, activation, biased, before)).toList(),
                new OutputConfig(norm(last, "model.decoder.final_layer_norm", hiddenSize),
                        projection(width, "project_out", width, hiddenSize, hiddenSize),
                        config.flag("tie_word_embeddings", true) ? Optional.empty()
                                : Optional.of(TensorPart.matrix("lm_head.weight", vocabularySize, width)),
                        1, 0),
                NAMES.withOthers(StoredQuantization.OTHER_TENSORS), StoredQuantization.of(config),
                config.token("bos_token_id", vocabularySize), config.tokens("eos_token_id", vocabularySize));
    }

    private static LayerConfig layer(String prefix, int hiddenSize, int intermediateSize, HeadLayout heads,
            Activation activation, boolean biased, boolean before) {
        String attention = prefix + "self_attn.";
        ScoreRules scores = new ScoreRules((float) (1 / Math.sqrt(heads.headSize())), 0, 0);
        String attentionNorm = prefix + "self_attn_layer_norm";
        String feedForwardNorm = prefix + "final_layer_norm";
        return new LayerConfig(norm(before, attentionNorm, hiddenSize),
                new AttentionConfig(heads, scores, Optional.empty(),
                        Projection.named(attention + "q_proj", hiddenSize, hiddenSize, biased),
                        KvConfig.Own.of(Projection.named(attention + "k_proj", hiddenSize, hiddenSize, biased),
                                Projection.named(attention + "v_proj", hiddenSize, hiddenSize, biased)),
                        Projection.named(attention + "out_proj", hiddenSize, hiddenSize, biased), Optional.empty(),
                        Optional.empty(), Optional.empty()),
                Optional.empty(), norm(before, feedForwardNorm, hiddenSize),
                new FeedForwardConfig.Mlp(activation, Optional.empty(),
                        Projection.named(prefix + "fc1", intermediateSize, hiddenSize, biased),
                        Projection.named(prefix + "fc2", hiddenSize, intermediateSize, biased)),
                Optional.empty(), norm(!before, attentionNorm, hiddenSize), norm(!before, feedForwardNorm, hiddenSize),
                1, Optional.empty(), Optional.empty());
    }

    private static Optional<NormConfig> norm(boolean present, String name, int length) {
        return present ? Optional.of(NormConfig.layer(EPSILON, name, length)) : Optional.empty();
    }

    /** Returns what leads from rows of the table to those between layers, or back, where their lengths differ. */
    private static Optional<Projection> projection(int width, String name, int out, int in, int hiddenSize) {
        return width == hiddenSize ? Optional.empty()
                : Optional.of(Projection.named("model.decoder." + name, out, in, false));
    }
}
