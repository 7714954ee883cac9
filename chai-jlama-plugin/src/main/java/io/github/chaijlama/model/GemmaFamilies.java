// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;

import io.github.chaijlama.model.LlamaRules.NormPlaces;

/** Google's Gemma: embeddings scaled, weights of norms that count from 1. */
final class GemmaFamilies {
    private static final int WINDOW = 4096;
    private static final String SLIDING = "sliding_attention";
    private static final String FULL = "full_attention";
    private static final String KV_HEADS = "num_key_value_heads";
    private static final String HEAD_SIZE = "head_dim";
    private static final String SHARED = "num_kv_shared_layers";

    /** Gemma: multi-query in the small one. */
    static final ModelFamily GEMMA = gemma(16).contextLength(8192).family("gemma");

    /** Gemma 2: as Gemma, with caps on scores and logits, norms on both sides, and a window in every other layer. */
    static final ModelFamily GEMMA2 = gemma(4).contextLength(8192).norms(NormPlaces.AROUND)
            .scale((config, headSize) -> 1 / Math.sqrt(config.number("query_pre_attn_scalar", 256)))
            .softCap(config -> config.isNull("attn_logit_softcapping") ? 0
                    : config.number("attn_logit_softcapping", 50))
            .logitSoftCap(config -> config.isNull("final_logit_softcapping") ? 0
                    : config.number("final_logit_softcapping", 30))
            .window((config, layer) -> window(config, layer, layer % 2 == 0)).family("gemma2");

    /**
     * Gemma 3: as Gemma 2 with norms of heads instead of a cap of scores; most layers have a window, and angles of
     * their own.
     */
    static final ModelFamily GEMMA3_TEXT = gemma3()
            .logitSoftCap(config -> config.has("final_logit_softcapping") ? config.number("final_logit_softcapping", 1)
                    : 0)
            .family("gemma3_text");

    /** What reads of a Gemma 3 that sees, too. It has no cap of logits, whatever its configuration says. */
    static final ModelFamily GEMMA3 = gemma3().sizes(8, 262_208).textHalf("gemma3");

    /**
     * Gemma 4: weights of norms as they are; layers without a window have larger heads, turn a part of them only, and
     * may take values from what keys are made of; tokens may say something to every layer, beside their rows; the last
     * layers may use keys and values of earlier ones.
     */
    static final ModelFamily GEMMA4_TEXT = gemma4().family("gemma4_text");

    /** What reads of a Gemma 4 that sees and hears, too. */
    static final ModelFamily GEMMA4 = gemma4().sizes(8, 262_144).textHalf("gemma4");

    private GemmaFamilies() {}

    private static LlamaRules gemma(int kvHeads) {
        return scaled(kvHeads).normsCountFromOne();
    }

    private static LlamaRules scaled(int kvHeads) {
        return new LlamaRules().headSize(256).kvHeads(kvHeads).tied()
                // hidden_act of the first files was a mistake
                .activation(config -> Activation.of(config, config.text("hidden_activation", "gelu_pytorch_tanh")))
                .embeddingMultiplier((config, hiddenSize) -> Math.sqrt(hiddenSize)).multiplyInTableType();
    }

    private static LlamaRules gemma3() {
        return gemma(4).contextLength(131_072).norms(NormPlaces.AROUND).headNorms()
                .scale((config, headSize) -> 1 / Math.sqrt(config.number("query_pre_attn_scalar", 256)))
                .window((config, layer) -> window(config, layer, slides3(config, layer)))
                .rotary((reader, config, layer) -> Optional.of(config.slides(layer, slides3(config, layer))
                        ? reader.ofLayers(SLIDING, "rope_local_base_freq", 10_000, false)
                        : reader.ofLayers(FULL, "rope_theta", 1e6, true)));
    }

    private static boolean slides3(ConfigValues config, int layer) {
        return (layer + 1) % config.size("sliding_window_pattern", 6) != 0;
    }

    private static int window(ConfigValues config, int layer, boolean rule) {
        return config.slides(layer, rule) && !config.isNull("sliding_window") ? config.size("sliding_window", WINDOW)
                : 0;
    }

    private static LlamaRules gemma4() {
        return scaled(4).contextLength(131_072).norms(NormPlaces.AROUND).headNorms().valueNorms().layerScales()
                .scale((config, headSize) -> 1).layerHeads(GemmaFamilies::heads4)
                .logitSoftCap(config -> config.has("final_logit_softcapping")
                        ? config.number("final_logit_softcapping", 1)
                        : 0)
                .window((config, layer) -> slides4(config, layer) ? config.size("sliding_window", 512) : 0)
                .keysAsValues((config, layer) -> config.flag("attention_k_eq_v", false) && !slides4(config, layer))
                .rotary((reader, config, layer) -> Optional.of(slides4(config, layer)
                        ? reader.ofLayers(SLIDING, new Rotary(10_000, new RotaryScaling.None()))
                        : reader.ofLayers(FULL, new Rotary(1e6, new RotaryScaling.Proportional(0.25, 1)))))
                .kvSource(GemmaFamilies::kvSource4).feedForward(GemmaFamilies::network4)
                .layerEmbeddings(GemmaFamilies::layerEmbeddings4);
    }

    /** The last layers use keys and values of the last ones before them that see as far. */
    private static OptionalInt kvSource4(ConfigValues config, int layer) {
        int first = firstShared4(config);
        if (layer < first) {
            return OptionalInt.empty();
        }
        return OptionalInt.of(IntStream.range(0, first)
                .filter(earlier -> slides4(config, earlier) == slides4(config, layer)).max()
                .orElseThrow(() -> config.bad(SHARED, "less: layer " + layer + " has no earlier one of its kind")));
    }

    private static int firstShared4(ConfigValues config) {
        return config.layers("num_hidden_layers") - config.countOrNone(SHARED, 0);
    }

    /** A network, and in some models experts beside it. */
    private static FeedForwardConfig network4(LayerSite site, Activation activation) {
        ConfigValues config = site.config();
        boolean doubled = config.flag("use_double_wide_mlp", false) && site.layer() >= firstShared4(config);
        FeedForwardConfig.Mlp mlp = GatedMlp.read(site, "mlp.", List.of("gate_proj", "up_proj", "down_proj"),
                (doubled ? 2 : 1) * GatedMlp.intermediateSize(config), false, activation);
        if (!config.flag("enable_moe_block", false)) {
            return mlp;
        }
        float epsilon = (float) config.number("rms_norm_eps", 1e-6);
        return new FeedForwardConfig.Sum(List.of(
                new FeedForwardConfig.Branch(norm(site, "pre_feedforward_layernorm", epsilon), mlp,
                        norm(site, "post_feedforward_layernorm_1", epsilon)),
                new FeedForwardConfig.Branch(Optional.empty(), Mixtures.gemma4(site, activation, epsilon),
                        norm(site, "post_feedforward_layernorm_2", epsilon))));
    }

    private static Optional<NormConfig> norm(LayerSite site, String name, float epsilon) {
        return Optional.of(NormConfig.rms(epsilon, 0,
                TensorPart.vector(site.prefix() + name + ".weight", site.hiddenSize())));
    }

    /** Text is read in one direction also where {@code use_bidirectional_attention} is said of pictures. */
    private static boolean slides4(ConfigValues config, int layer) {
        String both = "use_bidirectional_attention";
        if (!config.text(both, "vision").equals("vision")) {
            throw config.bad(both, "vision, or null");
        }
        return layer < config.layers("num_hidden_layers") - 1 && config.slides(layer, (layer + 1) % 6 != 0);
    }

    /** transformers 5 writes what layers have of their own, layer by layer; then nothing else counts. */
    private static HeadLayout heads4(ConfigValues config, int layer, HeadLayout heads) {
        String ofLayers = "per_layer_config";
        if (config.has(ofLayers)) {
            ConfigValues own = config.ofLayer(ofLayers, layer, config.layers("num_hidden_layers"));
            if (!List.of(KV_HEADS, HEAD_SIZE).containsAll(own.keys())) {
                throw config.bad(ofLayers, "layers with " + KV_HEADS + " and " + HEAD_SIZE + " only");
            }
            return LlamaReader.heads(own, heads.numberOfHeads(), own.size(KV_HEADS, heads.numberOfKvHeads()), KV_HEADS,
                    own.size(HEAD_SIZE, heads.headSize()));
        }
        if (slides4(config, layer)) {
            return heads;
        }
        String fullKvHeads = "num_global_key_value_heads";
        int kvHeads = config.flag("attention_k_eq_v", false) ? config.size(fullKvHeads, heads.numberOfKvHeads())
                : heads.numberOfKvHeads();
        return LlamaReader.heads(config, heads.numberOfHeads(), kvHeads, fullKvHeads,
                config.size("global_head_dim", 512));
    }

    private static Optional<LayerEmbeddingConfig> layerEmbeddings4(ConfigValues config, int hiddenSize,
            float epsilon) {
        int size = config.countOrNone("hidden_size_per_layer_input", 256);
        if (size == 0) {
            return Optional.empty();
        }
        int layers = config.layers("num_hidden_layers");
        if ((long) layers * size > ConfigValues.MAX_SIZE) {
            throw config.bad("hidden_size_per_layer_input", "less, for " + layers + " layers");
        }
        int ofAll = layers * config.vectorLength("hidden_size_per_layer_input", size);
        int tokens = config.size("vocab_size", 262_144);
        if (config.size("vocab_size_per_layer_input", 262_144) != tokens) {
            throw config.bad("vocab_size_per_layer_input", "vocab_size (" + tokens + ")");
        }
        return Optional.of(new LayerEmbeddingConfig(
                TensorPart.matrix("model.embed_tokens_per_layer.weight", tokens, ofAll), (float) Math.sqrt(size),
                Projection.named("model.per_layer_model_projection", ofAll, hiddenSize, false),
                (float) (1 / Math.sqrt(hiddenSize)),
                NormConfig.rms(epsilon, 0, TensorPart.vector("model.per_layer_projection_norm.weight", size)),
                (float) Math.sqrt(0.5)));
    }
}
