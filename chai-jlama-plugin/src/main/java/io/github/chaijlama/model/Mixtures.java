// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

import io.github.chaijlama.model.FeedForwardConfig.Experts;
import io.github.chaijlama.model.FeedForwardConfig.Mlp;
import io.github.chaijlama.model.FeedForwardConfig.Router;
import io.github.chaijlama.model.FeedForwardConfig.Routing;
import io.github.chaijlama.model.TensorNames.Spelling;
import io.github.chaijlama.model.TensorNames.Stack;

/** Reads mixtures of experts, which every family keeps in tensors of its own. */
final class Mixtures {
    private static final String COUNT = "num_local_experts";
    private static final String PER_TOKEN = "num_experts_per_tok";
    /** Several times as many as the largest models have. */
    private static final int MAX_EXPERTS = 1 << 16;
    private static final String SCALES = "(_scale_inv)?";

    /**
     * transformers 5 keeps all experts of a layer in two tensors, and writes them so where it is told to save what it
     * has in memory; published files have a tensor for each matrix.
     */
    static final TensorNames QWEN3_NAMES = TensorNames.PLAIN.with(List.of(),
            List.of(new Stack("(.*\\.mlp\\.experts\\.)gate_up_proj" + SCALES, "$1#.gate_proj.weight$2",
                    "$1#.up_proj.weight$2"),
                    new Stack("(.*\\.mlp\\.experts\\.)down_proj" + SCALES, "$1#.down_proj.weight$2")));
    /** The same, and the router has another name, too. */
    static final TensorNames MIXTRAL_NAMES = TensorNames.PLAIN.with(
            List.of(new Spelling("(.*\\.)mlp\\.gate\\.weight", "$1block_sparse_moe.gate.weight")),
            List.of(new Stack("(.*\\.)mlp\\.experts\\.gate_up_proj" + SCALES,
                    "$1block_sparse_moe.experts.#.w1.weight$2", "$1block_sparse_moe.experts.#.w3.weight$2"),
                    new Stack("(.*\\.)mlp\\.experts\\.down_proj" + SCALES,
                            "$1block_sparse_moe.experts.#.w2.weight$2")));
    /** Granite's published files have these two tensors already, under other names. */
    static final TensorNames GRANITE_NAMES = TensorNames.PLAIN.with(List.of(
            new Spelling("(.*\\.block_sparse_moe\\.)experts\\.gate_up_proj", "$1input_linear.weight"),
            new Spelling("(.*\\.block_sparse_moe\\.)experts\\.down_proj", "$1output_linear.weight"),
            new Spelling("(.*\\.block_sparse_moe\\.)router\\.weight", "$1router.layer.weight")), List.of());

    private Mixtures() {}

    /** Returns Mixtral's experts, whose matrices are tensors each. */
    static FeedForwardConfig mixtral(LayerSite site, Activation activation) {
        int size = GatedMlp.intermediateSize(site.config());
        return experts(site, COUNT, 8, 2, "block_sparse_moe.gate", false, Routing.AMONG_CHOSEN,
                expert -> GatedMlp.read(site, "block_sparse_moe.experts." + expert + ".", List.of("w1", "w3", "w2"),
                        size, false, activation));
    }

    /**
     * Returns Qwen 3's experts, of a size of their own; some layers have one network as others do. The weights of the
     * chosen are a part of the softmax of all, unless they are made to sum to 1.
     */
    static FeedForwardConfig qwen3(LayerSite site, Activation activation) {
        ConfigValues config = site.config();
        if (config.wholeNumbers("mlp_only_layers").contains(site.layer())
                || (site.layer() + 1) % config.size("decoder_sparse_step", 1) != 0) {
            return GatedMlp.read(site, activation);
        }
        int size = config.vectorLength("moe_intermediate_size", config.size("moe_intermediate_size", 768));
        // transformers writes the same number under another name.
        boolean renamed = config.has(COUNT) && !config.has("num_experts");
        return experts(site, renamed ? COUNT : "num_experts", 128, 8, "mlp.gate", false,
                config.flag("norm_topk_prob", false) ? Routing.AMONG_CHOSEN : Routing.AMONG_ALL,
                expert -> GatedMlp.read(site, "mlp.experts." + expert + ".",
                        List.of("gate_proj", "up_proj", "down_proj"), size, false, activation));
    }

    /** Returns Granite's experts: one tensor has gate and up of all of them, another one what leads back. */
    static FeedForwardConfig granite(LayerSite site, Activation activation) {
        int size = GatedMlp.intermediateSize(site.config());
        String moe = site.prefix() + "block_sparse_moe.";
        return experts(site, COUNT, 8, 2, "block_sparse_moe.router.layer", false, Routing.AMONG_CHOSEN, expert -> {
            int experts = count(site.config(), COUNT, 8);
            Projection in = Projection.of(TensorPart.matrixOf(moe + "input_linear.weight", expert, experts, 2 * size,
                    site.hiddenSize(), false));
            return new Mlp(activation, Optional.of(in.rows(0, size)), in.rows(size, size), Projection.of(TensorPart
                    .matrixOf(moe + "output_linear.weight", expert, experts, site.hiddenSize(), size, false)));
        });
    }

    /**
     * Returns gpt-oss's experts: gates and the other branch take turns in the rows of a tensor, everything has a bias.
     * As floats matrices are stored the other way round than everybody's; as MXFP4 they are not.
     */
    static FeedForwardConfig gptOss(LayerSite site, Activation activation) {
        ConfigValues config = site.config();
        int size = GatedMlp.intermediateSize(config);
        int hiddenSize = site.hiddenSize();
        boolean transposed = config.object("quantization_config").isEmpty();
        String moe = site.prefix() + "mlp.experts.";
        return experts(site, COUNT, 128, 4, "mlp.router", true, Routing.AMONG_CHOSEN, expert -> {
            int experts = count(config, COUNT, 128);
            TensorPart both = TensorPart.matrixOf(moe + "gate_up_proj", expert, experts, 2 * size, hiddenSize,
                    transposed);
            TensorPart biases = TensorPart.vectorOf(moe + "gate_up_proj_bias", expert, experts, 2 * size);
            return new Mlp(activation, Optional.of(new Projection(both.everySecondRow(0),
                    Optional.of(biases.everySecondRow(0)))),
                    new Projection(both.everySecondRow(1), Optional.of(biases.everySecondRow(1))),
                    new Projection(
                            TensorPart.matrixOf(moe + "down_proj", expert, experts, hiddenSize, size, transposed),
                            Optional.of(TensorPart.vectorOf(moe + "down_proj_bias", expert, experts, hiddenSize))));
        });
    }

    private static Experts experts(LayerSite site, String countKey, int defaultCount, int defaultPerToken,
            String router, boolean biased, Routing routing, IntFunction<Mlp> expert) {
        ConfigValues config = site.config();
        int experts = count(config, countKey, defaultCount);
        int perToken = perToken(config, PER_TOKEN, config.size(PER_TOKEN, defaultPerToken), countKey, experts);
        return new Experts(
                Router.of(Projection.named(site.prefix() + router, experts, site.hiddenSize(), biased)), perToken,
                routing, Optional.empty(), IntStream.range(0, experts).mapToObj(expert).toList());
    }

    /**
     * Returns Gemma 4's experts, which get the layer's rows normed in a way of their own; their router norms them in
     * another one, and its weights, which sum to 1, have a factor for each expert.
     */
    static Experts gemma4(LayerSite site, Activation activation, float epsilon) {
        ConfigValues config = site.config();
        int hiddenSize = site.hiddenSize();
        int size = config.vectorLength("moe_intermediate_size", config.size("moe_intermediate_size"));
        String layer = site.prefix();
        int experts = config.count("num_experts");
        Router router = new Router(
                Optional.of(NormConfig.rms(epsilon, 0, TensorPart.vector(layer + "router.scale", hiddenSize))),
                Projection.named(layer + "router.proj", experts, hiddenSize, false),
                (float) (1 / Math.sqrt(hiddenSize)),
                Optional.of(TensorPart.vector(layer + "router.per_expert_scale", experts)));
        return new Experts(router, perToken(config, "top_k_experts", config.size("top_k_experts"), "num_experts",
                experts), Routing.AMONG_CHOSEN,
                Optional.of(NormConfig.rms(epsilon, 0,
                        TensorPart.vector(layer + "pre_feedforward_layernorm_2.weight", hiddenSize))),
                IntStream.range(0, experts).mapToObj(expert -> {
                    Projection in = Projection.of(TensorPart.matrixOf(layer + "experts.gate_up_proj", expert, experts,
                            2 * size, hiddenSize, false));
                    return new Mlp(activation, Optional.of(in.rows(0, size)), in.rows(size, size),
                            Projection.of(TensorPart.matrixOf(layer + "experts.down_proj", expert, experts, hiddenSize,
                                    size, false)));
                }).toList());
    }

    private static int perToken(ConfigValues config, String key, int perToken, String countKey, int experts) {
        if (perToken > experts) {
            throw config.bad(key, "at most " + countKey + " (" + experts + ")");
        }
        if ((long) experts * config.layers("num_hidden_layers") > MAX_EXPERTS) {
            throw config.bad(countKey, "at most " + MAX_EXPERTS + " in all layers together");
        }
        return perToken;
    }

    private static int count(ConfigValues config, String key, int defaultCount) {
        return config.has(key) ? config.count(key) : defaultCount;
    }
}
