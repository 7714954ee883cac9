// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import io.github.chaijlama.model.LlamaRules.HeadNorms;
import io.github.chaijlama.model.LlamaRules.NormPlaces;

/** Reads a configuration that has Llama's keys by the {@link LlamaRules} of its family. */
final class LlamaReader {
    /** What changes the result in some family, and is passed over in others. */
    private static final List<String> OF_SOME = List.of("use_bidirectional_attention", "use_qk_norm", "qk_layernorm",
            "clip_qkv", "rope_interleaved", "lm_head_bias", "use_parallel_residual", "logit_scale",
            "attention_chunk_size", "embedding_multiplier", "attention_multiplier", "residual_multiplier",
            "logits_scaling", "no_rope_layers", "rope_local_base_freq", "num_experts", "num_local_experts",
            "n_shared_experts",
            "shared_expert_intermediate_size", "shared_intermediate_size", "mlp_only_layers", "num_kv_shared_layers",
            "hidden_size_per_layer_input", "attention_k_eq_v", "enable_moe_block", "full_attn_mod");

    private final LlamaRules rules;
    private final ConfigValues config;

    LlamaReader(LlamaRules rules, ConfigValues config) {
        this.rules = rules;
        this.config = config;
    }

    /**
     * Reads the configuration.
     *
     * @throws ModelLoadException if a value is impossible, or something is asked for that is not supported
     */
    ModelConfig read(String modelType, TensorNames names) {
        StoredQuantization quantization = quantization();
        int layers = config.layers("num_hidden_layers");
        int hiddenSize = config.vectorLength("hidden_size", config.size("hidden_size"));
        HeadLayout heads = heads(hiddenSize);
        int vocabularySize = size("vocab_size", rules.vocabularySize);
        int trainedLength = config.size("max_position_embeddings", rules.contextLength);
        float epsilon = (float) config.number("rms_norm_eps", rules.epsilon);
        TensorPart tokens = TensorPart.matrix("model.embed_tokens.weight", vocabularySize, hiddenSize);
        Optional<TensorPart> head = config.flag("tie_word_embeddings", rules.tied) ? Optional.empty()
                : Optional.of(TensorPart.matrix("lm_head.weight", vocabularySize, hiddenSize));
        RotaryReader rotary = new RotaryReader(config, trainedLength);
        Optional<LayerEmbeddingConfig> layerEmbedding = rules.layerEmbeddings.of(config, hiddenSize, epsilon);
        List<LayerConfig> layerConfigs = new ArrayList<>();
        int contextLength = trainedLength;
        for (int layer = 0; layer < layers; layer++) {
            Optional<Rotary> angles = rules.rotary.of(rotary, config, layer);
            HeadLayout ofLayer = rules.layerHeads.of(config, layer, heads);
            angles.ifPresent(present -> requireFits(present, ofLayer));
            contextLength = Math.max(contextLength,
                    angles.map(present -> present.contextLength(trainedLength)).orElse(trainedLength));
            layerConfigs.add(layer(new LayerSite(config, layer, hiddenSize), ofLayer, angles, layerEmbedding, epsilon));
            requireAlike(layerConfigs.stream().map(LayerConfig::attention).toList());
        }
        ModelConfig read = new ModelConfig(modelType, hiddenSize, GatedMlp.intermediateSize(config), vocabularySize,
                contextLength,
                new EmbeddingConfig(tokens, Optional.empty(), Optional.empty(),
                        (float) rules.embeddingMultiplier.of(config, hiddenSize), rules.multiplyInTableType,
                        layerEmbedding),
                layerConfigs,
                OutputConfig.of(norm("model.norm", hiddenSize, epsilon), head,
                        (float) rules.logitDivisor.applyAsDouble(config),
                        (float) rules.logitSoftCap.applyAsDouble(config)),
                names(names, layerConfigs),
                quantization,
                config.token("bos_token_id", vocabularySize), config.tokens("eos_token_id", vocabularySize));
        config.refuseUnasked(OF_SOME);
        return read;
    }

    private TensorNames names(TensorNames names, List<LayerConfig> layers) {
        TensorNames all = config.has("quantization_config") ? names.withOthers(StoredQuantization.OTHER_TENSORS)
                : names;
        String without = IntStream.range(0, layers.size()).filter(layer -> !layers.get(layer).attention().hasKv())
                .mapToObj(String::valueOf).collect(Collectors.joining("|"));
        return without.isEmpty() ? all
                : all.withOthers("model\\.layers\\.(" + without + ")\\.self_attn\\.[kv]_(proj|norm)\\..*");
    }

    private LayerConfig layer(LayerSite site, HeadLayout heads, Optional<Rotary> rotary,
            Optional<LayerEmbeddingConfig> embedding, float epsilon) {
        boolean before = rules.normPlaces != NormPlaces.BEHIND;
        boolean behind = rules.normPlaces != NormPlaces.BEFORE;
        String beforeFeedForward = behind ? "pre_feedforward_layernorm" : "post_attention_layernorm";
        Activation activation = rules.activation.apply(config);
        FeedForwardConfig network = rules.feedForward.of(site, activation);
        boolean beforeNetwork = before && !(network instanceof FeedForwardConfig.Sum); // its branches have their own
        return new LayerConfig(norm(before, site, "input_layernorm", epsilon),
                attention(site, heads, rotary, epsilon), norm(behind, site, "post_attention_layernorm", epsilon),
                norm(beforeNetwork, site, beforeFeedForward, epsilon), network,
                norm(behind, site, "post_feedforward_layernorm", epsilon), Optional.empty(), Optional.empty(),
                (float) rules.residualMultiplier.applyAsDouble(config),
                embedding.map(present -> tokenInput(site, present.size(), activation, epsilon)),
                rules.layerScales ? Optional.of(TensorPart.vector(site.prefix() + "layer_scalar", 1))
                        : Optional.empty());
    }

    private TokenInputConfig tokenInput(LayerSite site, int size, Activation activation, float epsilon) {
        return new TokenInputConfig(activation,
                Projection.named(site.prefix() + "per_layer_input_gate", size, site.hiddenSize(), false),
                Projection.named(site.prefix() + "per_layer_projection", site.hiddenSize(), size, false),
                norm(site.prefix() + "post_per_layer_input_norm", site.hiddenSize(), epsilon));
    }

    private AttentionConfig attention(LayerSite site, HeadLayout heads, Optional<Rotary> rotary, float epsilon) {
        String prefix = site.prefix() + "self_attn.";
        int hiddenSize = site.hiddenSize();
        int queries = heads.queryLength();
        int keys = heads.kvLength();
        boolean biased = rules.inputBias.test(config);
        Projection query = Projection.named(prefix + "q_proj", queries, hiddenSize, biased);
        Projection key = Projection.named(prefix + "k_proj", keys, hiddenSize, biased);
        Optional<Projection> value = rules.keysAsValues.of(config, site.layer()) ? Optional.empty()
                : Optional.of(Projection.named(prefix + "v_proj", keys, hiddenSize, biased));
        if (rules.fusedProjections) {
            Projection all = Projection.named(prefix + "qkv_proj", queries + 2 * keys, hiddenSize, biased);
            query = all.rows(0, queries);
            key = all.rows(queries, keys);
            value = Optional.of(all.rows(queries + keys, keys));
        }
        return new AttentionConfig(heads,
                new ScoreRules((float) rules.scale.of(config, heads.headSize()),
                        (float) rules.softCap.applyAsDouble(config), rules.window.of(config, site.layer())),
                rotary, query, kv(site, new KvConfig.Own(key, value,
                        headNorm(prefix + "k_norm", heads.headSize(), keys, epsilon),
                        rules.valueNorms ? Optional.of(NormConfig.plainRms(epsilon, heads.headSize()))
                                : Optional.empty())),
                Projection.named(prefix + "o_proj", hiddenSize, queries, rules.outputBias.test(config)),
                headNorm(prefix + "q_norm", heads.headSize(), queries, epsilon),
                rules.queryGain.apply(config),
                rules.sinks ? Optional.of(TensorPart.vector(prefix + "sinks", heads.numberOfHeads()))
                        : Optional.empty());
    }

    private KvConfig kv(LayerSite site, KvConfig.Own own) {
        OptionalInt source = rules.kvSource.of(config, site.layer());
        return source.isPresent() ? new KvConfig.OfLayer(source.getAsInt()) : own;
    }

    /** A layer that uses the keys and values of another one must have its heads. */
    private void requireAlike(List<AttentionConfig> layers) {
        AttentionConfig last = layers.getLast();
        if (last.kv() instanceof KvConfig.OfLayer(int source) && !layers.get(source).heads().equals(last.heads())) {
            throw config.refused("layer " + (layers.size() - 1) + " must have the heads of layer " + source
                    + ", whose keys and values it uses");
        }
    }

    private Optional<NormConfig> headNorm(String name, int headSize, int allHeads, float epsilon) {
        return switch (rules.headNorms) {
            case NONE -> Optional.empty();
            case EACH_HEAD -> Optional.of(norm(name, headSize, epsilon));
            case ALL_HEADS -> Optional.of(norm(name, allHeads, epsilon));
        };
    }

    private Optional<NormConfig> norm(boolean present, LayerSite site, String name, float epsilon) {
        return present ? Optional.of(norm(site.prefix() + name, site.hiddenSize(), epsilon)) : Optional.empty();
    }

    private NormConfig norm(String name, int length, float epsilon) {
        return NormConfig.rms(epsilon, rules.normOffset, TensorPart.vector(name + ".weight", length));
    }

    private int size(String key, OptionalInt unlessSaid) {
        return unlessSaid.isPresent() ? config.size(key, unlessSaid.getAsInt()) : config.size(key);
    }

    private HeadLayout heads(int hiddenSize) {
        int heads = size("num_attention_heads", rules.heads);
        int size = config.has("head_dim") ? config.size("head_dim") : rules.headSize.of(config, hiddenSize, heads);
        int ofKeys = config.isNull("num_key_value_heads") ? heads
                : config.size("num_key_value_heads", rules.kvHeads.of(config, hiddenSize, heads));
        return heads(config, heads, ofKeys, "num_key_value_heads", size);
    }

    /**
     * Returns heads, checked.
     *
     * @param ofKeysKey where the number of KV heads is from
     */
    static HeadLayout heads(ConfigValues config, int heads, int ofKeys, String ofKeysKey, int size) {
        if (heads % ofKeys != 0) {
            throw config.bad(ofKeysKey, "a divisor of num_attention_heads (" + heads + ")");
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

    static int dividedHeadSize(ConfigValues config, int hiddenSize, int heads) {
        if (hiddenSize % heads != 0) {
            throw config.bad("num_attention_heads", "a divisor of hidden_size (" + hiddenSize + ")");
        }
        return hiddenSize / heads;
    }

    private void requireFits(Rotary rotary, HeadLayout heads) {
        if (rotary.scaling() instanceof RotaryScaling.Longrope longrope) {
            int pairs = rotary.turned(heads.headSize()) / 2;
            for (List<Double> factors : List.of(longrope.shortFactors(), longrope.longFactors())) {
                if (factors.size() != pairs) {
                    throw config.refused("longrope must have a factor for each of " + pairs
                            + " pairs, found " + factors.size());
                }
            }
        }
    }

    private StoredQuantization quantization() {
        ConfigValues stored = config.object("quantization_config");
        if (rules.quantization.isEmpty() || stored.isEmpty()) {
            return StoredQuantization.of(config);
        }
        String method = stored.text("quant_method", "unknown");
        if (!method.equals(rules.quantization.get())) {
            throw StoredQuantization.refused(config, method);
        }
        return StoredQuantization.NONE;
    }
}
