// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * What Llama's configuration means, rule by rule, for the families that took its keys over and changed some: each
 * method replaces one rule and returns this. {@link #family} then describes a family by those rules.
 */
final class LlamaRules {
    private static final double DEFAULT_THETA = 10_000;

    private Heads headSize = (config, hiddenSize, heads) -> dividedHeadSize(config, hiddenSize, heads);
    private Heads kvHeads = (config, hiddenSize, heads) -> heads;
    private int contextLength = 2048;
    private double theta = DEFAULT_THETA;
    private double epsilon = 1e-6;
    private float normOffset;
    private boolean tied;
    private boolean qkvBias;
    private boolean headNorms;
    private boolean normsBehind;
    private Function<ConfigValues, String> activation = config -> config.text("hidden_act", "silu");
    private Scale scale = (config, size) -> 1 / Math.sqrt(size);
    private ToDoubleFunction<ConfigValues> softCap = config -> 0;
    private Window window = (config, layer) -> 0;
    private EmbeddingFactor embeddingMultiplier = (config, hiddenSize) -> 1;
    private boolean multiplyInTableType;
    private ToDoubleFunction<ConfigValues> residualMultiplier = config -> 1;
    private ToDoubleFunction<ConfigValues> logitDivisor = config -> 1;
    private ToDoubleFunction<ConfigValues> logitSoftCap = config -> 0;
    private FeedForward feedForward = LlamaRules::gatedMlp;

    /** A rule on heads. */
    @FunctionalInterface
    interface Heads {
        int of(ConfigValues config, int hiddenSize, int heads);
    }

    /** Returns the factor of scores for a size of heads. */
    @FunctionalInterface
    interface Scale {
        double of(ConfigValues config, int headSize);
    }

    /** Returns how many positions a layer's queries see, 0 for all. */
    @FunctionalInterface
    interface Window {
        int of(ConfigValues config, int layer);
    }

    /** Returns the factor of a token's row. */
    @FunctionalInterface
    interface EmbeddingFactor {
        double of(ConfigValues config, int hiddenSize);
    }

    /** Returns the feed-forward network of a layer whose tensors' names begin with a prefix. */
    @FunctionalInterface
    interface FeedForward {
        FeedForwardConfig of(ConfigValues config, String prefix, int hiddenSize, Activation activation);
    }

    /** Returns the description of a family by these rules, which are not changed any more. */
    ModelFamily family(String modelType) {
        return new ModelFamily(modelType, config -> read(modelType, config));
    }

    /** The size of a head where {@code head_dim} is not given. */
    LlamaRules headSize(int size) {
        headSize = (config, hiddenSize, heads) -> size;
        return this;
    }

    /** The number of KV heads where {@code num_key_value_heads} is not given; null there means one for every head. */
    LlamaRules kvHeads(int count) {
        kvHeads = (config, hiddenSize, heads) -> count;
        return this;
    }

    /** The positions of the context where {@code max_position_embeddings} is not given. */
    LlamaRules contextLength(int positions) {
        contextLength = positions;
        return this;
    }

    LlamaRules theta(double value) {
        theta = value;
        return this;
    }

    LlamaRules epsilon(double value) {
        epsilon = value;
        return this;
    }

    /** The weights of norms count from 1. */
    LlamaRules normsCountFromOne() {
        normOffset = 1;
        return this;
    }

    /** The output uses the embedding's weights unless the configuration says otherwise. */
    LlamaRules tied() {
        tied = true;
        return this;
    }

    /** Queries, keys and values have biases. */
    LlamaRules qkvBias() {
        qkvBias = true;
        return this;
    }

    /** Each head's query and key passes a norm of its own before it is rotated. */
    LlamaRules headNorms() {
        headNorms = true;
        return this;
    }

    /** What attention and the feed-forward network add passes another norm. */
    LlamaRules normsBehind() {
        normsBehind = true;
        return this;
    }

    LlamaRules activation(Function<ConfigValues, String> rule) {
        activation = rule;
        return this;
    }

    LlamaRules scale(Scale rule) {
        scale = rule;
        return this;
    }

    LlamaRules softCap(ToDoubleFunction<ConfigValues> rule) {
        softCap = rule;
        return this;
    }

    LlamaRules window(Window rule) {
        window = rule;
        return this;
    }

    LlamaRules embeddingMultiplier(EmbeddingFactor rule) {
        embeddingMultiplier = rule;
        return this;
    }

    /** The factor of a token's row is rounded to the type of the table. */
    LlamaRules multiplyInTableType() {
        multiplyInTableType = true;
        return this;
    }

    LlamaRules residualMultiplier(ToDoubleFunction<ConfigValues> rule) {
        residualMultiplier = rule;
        return this;
    }

    LlamaRules logitDivisor(ToDoubleFunction<ConfigValues> rule) {
        logitDivisor = rule;
        return this;
    }

    LlamaRules logitSoftCap(ToDoubleFunction<ConfigValues> rule) {
        logitSoftCap = rule;
        return this;
    }

    LlamaRules feedForward(FeedForward rule) {
        feedForward = rule;
        return this;
    }

    // ---- reading ----

    private ModelConfig read(String modelType, ConfigValues config) {
        refuseUnsupported(config);
        int layers = config.layers("num_hidden_layers");
        int hiddenSize = config.vectorLength("hidden_size", config.size("hidden_size"));
        HeadLayout heads = heads(config, hiddenSize);
        int vocabularySize = config.size("vocab_size");
        int trainedLength = config.size("max_position_embeddings", contextLength);
        Rotary rotary = Rotary.read(config, theta, trainedLength);
        float normEpsilon = (float) config.number("rms_norm_eps", epsilon);
        TensorPart tokens = TensorPart.matrix("model.embed_tokens.weight", vocabularySize, hiddenSize);
        Optional<TensorPart> head = config.flag("tie_word_embeddings", tied) ? Optional.empty()
                : Optional.of(TensorPart.matrix("lm_head.weight", vocabularySize, hiddenSize));
        int intermediateSize = config.vectorLength("intermediate_size", config.size("intermediate_size"));
        return new ModelConfig(modelType, hiddenSize, intermediateSize, vocabularySize,
                rotary.contextLength(trainedLength),
                new EmbeddingConfig(tokens, Optional.empty(), (float) embeddingMultiplier.of(config, hiddenSize),
                        multiplyInTableType),
                IntStream.range(0, layers).mapToObj(layer -> layer(config, layer, hiddenSize, heads, rotary,
                        normEpsilon)).toList(),
                new OutputConfig(norm("model.norm", hiddenSize, normEpsilon), head,
                        (float) logitDivisor.applyAsDouble(config), (float) logitSoftCap.applyAsDouble(config)),
                "", config.token("bos_token_id", vocabularySize), config.tokens("eos_token_id", vocabularySize));
    }

    private LayerConfig layer(ConfigValues config, int layer, int hiddenSize, HeadLayout heads, Rotary rotary,
            float normEpsilon) {
        String prefix = "model.layers." + layer + ".";
        NormConfig afterAttention = norm(prefix + "post_attention_layernorm", hiddenSize, normEpsilon);
        return new LayerConfig(Optional.of(norm(prefix + "input_layernorm", hiddenSize, normEpsilon)),
                attention(config, layer, prefix + "self_attn.", hiddenSize, heads, rotary, normEpsilon),
                normsBehind ? Optional.of(afterAttention) : Optional.empty(),
                Optional.of(normsBehind ? norm(prefix + "pre_feedforward_layernorm", hiddenSize, normEpsilon)
                        : afterAttention),
                feedForward.of(config, prefix, hiddenSize, Activation.of(config, activation.apply(config))),
                normsBehind ? Optional.of(norm(prefix + "post_feedforward_layernorm", hiddenSize, normEpsilon))
                        : Optional.empty(),
                (float) residualMultiplier.applyAsDouble(config));
    }

    private AttentionConfig attention(ConfigValues config, int layer, String prefix, int hiddenSize, HeadLayout heads,
            Rotary rotary, float normEpsilon) {
        return new AttentionConfig(heads,
                new ScoreRules((float) scale.of(config, heads.headSize()), (float) softCap.applyAsDouble(config),
                        window.of(config, layer)),
                Optional.of(rotary), Projection.named(prefix + "q_proj", heads.queryLength(), hiddenSize, qkvBias),
                Projection.named(prefix + "k_proj", heads.kvLength(), hiddenSize, qkvBias),
                Projection.named(prefix + "v_proj", heads.kvLength(), hiddenSize, qkvBias),
                Projection.named(prefix + "o_proj", hiddenSize, heads.queryLength(), false),
                headNorms ? Optional.of(norm(prefix + "q_norm", heads.headSize(), normEpsilon)) : Optional.empty(),
                headNorms ? Optional.of(norm(prefix + "k_norm", heads.headSize(), normEpsilon)) : Optional.empty());
    }

    private NormConfig norm(String name, int length, float normEpsilon) {
        return NormConfig.rms(normEpsilon, normOffset, TensorPart.vector(name + ".weight", length));
    }

    private static FeedForwardConfig gatedMlp(ConfigValues config, String prefix, int hiddenSize,
            Activation activation) {
        return gatedMlp(config, prefix + "mlp.", List.of("gate_proj", "up_proj", "down_proj"), hiddenSize, activation);
    }

    /**
     * Returns a gated network.
     *
     * @param names of its matrices: gate, up, down
     */
    static FeedForwardConfig.Mlp gatedMlp(ConfigValues config, String prefix, List<String> names, int hiddenSize,
            Activation activation) {
        int size = config.size("intermediate_size");
        return new FeedForwardConfig.Mlp(activation,
                Optional.of(Projection.named(prefix + names.get(0), size, hiddenSize, false)),
                Projection.named(prefix + names.get(1), size, hiddenSize, false),
                Projection.named(prefix + names.get(2), hiddenSize, size, false));
    }

    private HeadLayout heads(ConfigValues config, int hiddenSize) {
        int heads = config.size("num_attention_heads");
        int size = config.has("head_dim") ? config.size("head_dim") : headSize.of(config, hiddenSize, heads);
        int ofKeys = config.isNull("num_key_value_heads") ? heads
                : config.size("num_key_value_heads", kvHeads.of(config, hiddenSize, heads));
        if (heads % ofKeys != 0) {
            throw config.bad("num_key_value_heads", "a divisor of num_attention_heads (" + heads + ")");
        }
        if (size % 2 != 0) {
            throw config.refused("heads of " + size + " values cannot be rotated in pairs");
        }
        if ((long) heads * size > ConfigValues.MAX_SIZE) {
            throw config.refused(heads + " heads of " + size + " values are more than " + ConfigValues.MAX_SIZE);
        }
        config.vectorLength("num_attention_heads times the size of a head", heads * size);
        return new HeadLayout(heads, ofKeys, size);
    }

    private static int dividedHeadSize(ConfigValues config, int hiddenSize, int heads) {
        if (hiddenSize % heads != 0) {
            throw config.bad("num_attention_heads", "a divisor of hidden_size (" + hiddenSize + ")");
        }
        return hiddenSize / heads;
    }

    /** What nothing here would compute, but would be passed over without a word. */
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
}
