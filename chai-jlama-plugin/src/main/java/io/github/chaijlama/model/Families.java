// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.List;
import java.util.stream.IntStream;

/** The architectures that are supported, one description each. */
public final class Families {
    private static final int WINDOW = 4096;
    /** Several times as many as the largest models have. */
    private static final int MAX_EXPERTS = 1 << 16;

    /** Llama 1, 2 and 3, and models of the same layout; multi-head and grouped-query. */
    static final ModelFamily LLAMA = new LlamaRules().family("llama");

    /** Mistral: heads whose sizes need not add up to the row, sliding window. */
    static final ModelFamily MISTRAL = new LlamaRules().kvHeads(8).contextLength(131_072)
            .window((config, layer) -> config.isNull("sliding_window") ? 0 : config.size("sliding_window", WINDOW))
            .family("mistral");

    /** Qwen 2 and 2.5: queries, keys and values have biases; a window in the upper layers of some. */
    static final ModelFamily QWEN2 = new LlamaRules().contextLength(32_768).qkvBias()
            .window((config, layer) -> config.flag("use_sliding_window", false)
                    && config.slides(layer, layer >= config.countOrNone("max_window_layers", 28))
                    && !config.isNull("sliding_window") ? config.size("sliding_window", WINDOW) : 0)
            .family("qwen2");

    /** Granite 3: Llama with multipliers. */
    static final ModelFamily GRANITE = new LlamaRules()
            .scale((config, headSize) -> config.number("attention_multiplier", 1))
            .embeddingMultiplier((config, hiddenSize) -> config.number("embedding_multiplier", 1))
            .residualMultiplier(config -> config.number("residual_multiplier", 1))
            .logitDivisor(config -> config.number("logits_scaling", 1)).family("granite");

    /** Gemma: embeddings scaled, weights of norms count from 1, multi-query in the small one. */
    static final ModelFamily GEMMA = gemma(16).family("gemma");

    /** Gemma 2: as Gemma, with caps on scores and logits, norms on both sides, and a window in every other layer. */
    static final ModelFamily GEMMA2 = gemma(4).normsBehind()
            .scale((config, headSize) -> 1 / Math.sqrt(config.number("query_pre_attn_scalar", 256)))
            .softCap(config -> config.isNull("attn_logit_softcapping") ? 0
                    : config.number("attn_logit_softcapping", 50))
            .logitSoftCap(config -> config.isNull("final_logit_softcapping") ? 0
                    : config.number("final_logit_softcapping", 30))
            .window((config, layer) -> config.slides(layer, layer % 2 == 0) && !config.isNull("sliding_window")
                    ? config.size("sliding_window", WINDOW)
                    : 0)
            .family("gemma2");

    /** Mixtral: Mistral with several feed-forward networks, two of which a router chooses for every token. */
    static final ModelFamily MIXTRAL = new LlamaRules().kvHeads(8).contextLength(131_072).theta(1e6).epsilon(1e-5)
            .window((config, layer) -> config.has("sliding_window") ? config.size("sliding_window") : 0)
            .feedForward(Families::mixtralExperts).family("mixtral");

    /** All of them. */
    public static final List<ModelFamily> ALL = List.of(LLAMA, MISTRAL, QWEN2, GRANITE, GEMMA, GEMMA2, MIXTRAL,
            Gpt2.FAMILY);

    private Families() {}

    private static LlamaRules gemma(int kvHeads) {
        return new LlamaRules().headSize(256).kvHeads(kvHeads).contextLength(8192).normsCountFromOne().tied()
                // hidden_act of the first files was a mistake
                .activation(config -> config.text("hidden_activation", "gelu_pytorch_tanh"))
                .embeddingMultiplier((config, hiddenSize) -> Math.sqrt(hiddenSize)).multiplyInTableType();
    }

    private static FeedForwardConfig mixtralExperts(ConfigValues config, String prefix, int hiddenSize,
            Activation activation) {
        int experts = config.has("num_local_experts") ? config.count("num_local_experts") : 8;
        int perToken = config.size("num_experts_per_tok", 2);
        if (perToken > experts) {
            throw config.bad("num_experts_per_tok", "at most num_local_experts (" + experts + ")");
        }
        if ((long) experts * config.layers("num_hidden_layers") > MAX_EXPERTS) {
            throw config.bad("num_local_experts", "at most " + MAX_EXPERTS + " in all layers together");
        }
        String moe = prefix + "block_sparse_moe.";
        return new FeedForwardConfig.Experts(Projection.named(moe + "gate", experts, hiddenSize, false), perToken,
                IntStream.range(0, experts).mapToObj(expert -> LlamaRules.gatedMlp(config,
                        moe + "experts." + expert + ".", List.of("w1", "w3", "w2"), hiddenSize, activation)).toList());
    }
}
