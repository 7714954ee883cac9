// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.Optional;

import io.github.chaijlama.model.LlamaRules.NormPlaces;

/** Google's Gemma: embeddings scaled, weights of norms that count from 1. */
final class GemmaFamilies {
    private static final int WINDOW = 4096;
    private static final String SLIDING = "sliding_attention";
    private static final String FULL = "full_attention";

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

    private GemmaFamilies() {}

    private static LlamaRules gemma(int kvHeads) {
        return new LlamaRules().headSize(256).kvHeads(kvHeads).normsCountFromOne().tied()
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
}
