// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.List;
import java.util.Optional;

import io.github.chaijlama.model.LlamaRules.HeadNorms;
import io.github.chaijlama.model.LlamaRules.NormPlaces;

/** The architectures that are supported, one description each. */
public final class Families {
    private static final int WINDOW = 4096;
    private static final double LLAMA_EPSILON = 1e-5;

    /** Llama 1, 2 and 3, and models of the same layout; multi-head and grouped-query. */
    static final ModelFamily LLAMA = new LlamaRules().family("llama");

    /** Mistral: heads whose sizes need not add up to the row, sliding window. */
    static final LlamaRules MISTRAL_RULES = new LlamaRules().kvHeads(8).contextLength(131_072)
            .window((config, layer) -> config.isNull("sliding_window") ? 0 : config.size("sliding_window", WINDOW));
    static final ModelFamily MISTRAL = MISTRAL_RULES.family("mistral");

    /**
     * Ministral 3: Mistral whose rotary embedding is stretched by YaRN, and whose queries grow with every length that
     * it was first trained for.
     */
    static final LlamaRules MINISTRAL3_RULES = new LlamaRules().headSize(128).kvHeads(8).contextLength(262_144)
            .theta(1e6).epsilon(LLAMA_EPSILON).window(Families::windowOfAll).queryGain(Families::ministralGain);
    static final ModelFamily MINISTRAL3 = MINISTRAL3_RULES.family("ministral3");

    /** Mistral 3: what reads is a Mistral or a Ministral. */
    static final ModelFamily MISTRAL3 = new ModelFamily("mistral3", config -> {
        ConfigValues text = TextHalf.config(config);
        String type = text.text("model_type", "mistral");
        return switch (type) {
            case "mistral" -> MISTRAL_RULES.textHalf("mistral3", text);
            case "ministral3" -> MINISTRAL3_RULES.textHalf("mistral3", text);
            default -> throw config.refused("'model_type' of 'text_config' must be mistral or ministral3, found "
                    + Excerpt.of(type));
        };
    });

    /** Qwen 2 and 2.5: queries, keys and values have biases; a window in the upper layers of some. */
    static final ModelFamily QWEN2 = new LlamaRules().contextLength(32_768).qkvBias().window(Families::windowOfUpper)
            .family("qwen2");

    /** Qwen 3: heads of 128 values whatever the length of a row; each head's query and key is normed; no biases. */
    static final ModelFamily QWEN3 = new LlamaRules().headSize(128).kvHeads(32).contextLength(32_768).headNorms()
            .window(Families::windowOfUpper).family("qwen3");

    /** Qwen 3 with experts: many small ones. */
    static final ModelFamily QWEN3_MOE = new LlamaRules().kvHeads(4).contextLength(32_768).headNorms()
            .window((config, layer) -> config.flag("use_sliding_window", false) ? windowOfAll(config, layer) : 0)
            .feedForward(Mixtures::qwen3).names(Mixtures.QWEN3_NAMES).family("qwen3_moe");

    /** Granite 3: Llama with multipliers. */
    static final ModelFamily GRANITE = granite().family("granite");

    /** Granite 3 with experts. */
    static final ModelFamily GRANITEMOE = granite().feedForward(Mixtures::granite).names(Mixtures.GRANITE_NAMES)
            .family("granitemoe");

    /** Mixtral: Mistral with several feed-forward networks, two of which a router chooses for every token. */
    static final ModelFamily MIXTRAL = new LlamaRules().kvHeads(8).contextLength(131_072).theta(1e6)
            .epsilon(LLAMA_EPSILON)
            .window((config, layer) -> config.has("sliding_window") ? config.size("sliding_window") : 0)
            .feedForward(Mixtures::mixtral).names(Mixtures.MIXTRAL_NAMES).family("mixtral");

    /** Phi 3 and 4: projections in one matrix, rows turned in part, factors of longrope. */
    static final ModelFamily PHI3 = new LlamaRules().contextLength(4096).epsilon(LLAMA_EPSILON).fusedProjections()
            .window(Families::windowOfAll).feedForward(GatedMlp::fused)
            .rotary((reader, config, layer) -> Optional.of(reader.partial(10_000))).family("phi3");

    /** OLMo 2: norms behind attention and network alone, and of all heads' queries and keys together. */
    static final ModelFamily OLMO2 = new LlamaRules().epsilon(LLAMA_EPSILON).norms(NormPlaces.BEHIND)
            .headNorms(HeadNorms.ALL_HEADS).family("olmo2");

    /** SmolLM 3: Llama in which some layers know no positions. */
    static final ModelFamily SMOLLM3 = new LlamaRules().kvHeads(4).contextLength(32_768).theta(2e6).tied()
            .rotary((reader, config, layer) -> turnsSmolLm(config, layer) ? Optional.of(reader.whole(2e6))
                    : Optional.empty())
            .window((config, layer) -> config.flag("use_sliding_window", false)
                    && config.slides(layer, !turnsSmolLm(config, layer)) ? windowOfAll(config, layer) : 0)
            .family("smollm3");

    /**
     * gpt-oss: sinks, a window in every other layer, experts with biases and an activation that ends at 7; experts as
     * MXFP4 or as floats.
     */
    static final ModelFamily GPT_OSS = new LlamaRules().headSize(64).kvHeads(8).contextLength(131_072).theta(150_000)
            .epsilon(LLAMA_EPSILON).biasUnlessDenied().sinks().window((config, layer) -> config.slides(layer,
                    layer % 2 == 0) && !config.isNull("sliding_window") ? config.size("sliding_window", 128) : 0)
            .rotary(Families::gptOssAngles).activation(Families::gptOssActivation).feedForward(Mixtures::gptOss)
            .quantizedBy("mxfp4").family("gpt_oss");

    /** All of them. */
    public static final List<ModelFamily> ALL = List.of(LLAMA, MISTRAL, MINISTRAL3, MISTRAL3, QWEN2, QWEN3, QWEN3_MOE,
            GRANITE, GRANITEMOE, GemmaFamilies.GEMMA, GemmaFamilies.GEMMA2, GemmaFamilies.GEMMA3_TEXT,
            GemmaFamilies.GEMMA3, GemmaFamilies.GEMMA4_TEXT, GemmaFamilies.GEMMA4, MIXTRAL, PHI3, OLMO2, SMOLLM3,
            GPT_OSS, Gpt2.FAMILY, Opt.FAMILY);

    private Families() {}

    private static LlamaRules granite() {
        return new LlamaRules().scale((config, headSize) -> config.number("attention_multiplier", 1))
                .embeddingMultiplier((config, hiddenSize) -> config.number("embedding_multiplier", 1))
                .residualMultiplier(config -> config.number("residual_multiplier", 1))
                .logitDivisor(config -> config.number("logits_scaling", 1));
    }

    /** A window in every layer, if the configuration has one. */
    private static int windowOfAll(ConfigValues config, int layer) {
        return config.has("sliding_window") ? config.size("sliding_window") : 0;
    }

    private static int windowOfUpper(ConfigValues config, int layer) {
        return config.flag("use_sliding_window", false)
                && config.slides(layer, layer >= config.countOrNone("max_window_layers", 28))
                && !config.isNull("sliding_window") ? config.size("sliding_window", WINDOW) : 0;
    }

    private static Optional<QueryGain> ministralGain(ConfigValues config) {
        ConfigValues parameters = config.object("rope_parameters").isEmpty() ? config.object("rope_scaling")
                : config.object("rope_parameters");
        return Optional.of(new QueryGain(parameters.number("llama_4_scaling_beta"),
                parameters.size("original_max_position_embeddings")));
    }

    private static boolean turnsSmolLm(ConfigValues config, int layer) {
        List<Integer> turned = config.wholeNumbers("no_rope_layers");
        if (turned.isEmpty()) {
            return (layer + 1) % config.size("no_rope_layer_interval", 4) != 0;
        }
        if (layer >= turned.size()) {
            throw config.bad("no_rope_layers", "a list with a number for each layer");
        }
        return turned.get(layer) != 0; // the name says the contrary of what the numbers mean
    }

    private static Optional<Rotary> gptOssAngles(RotaryReader reader, ConfigValues config, int layer) {
        if (config.object("rope_scaling").isEmpty() && config.object("rope_parameters").isEmpty()) {
            throw config.bad("rope_scaling", "an object, which files of gpt-oss have");
        }
        return Optional.of(reader.whole(150_000));
    }

    /** The functions that config.json names are not those that are computed. */
    private static Activation gptOssActivation(ConfigValues config) {
        double limit = config.number("swiglu_limit", Activation.LIMIT);
        if (limit != Activation.LIMIT) {
            throw config.refused("'swiglu_limit' other than " + Activation.LIMIT + " is not supported, found " + limit);
        }
        return Activation.CLAMPED_SWISH;
    }
}
