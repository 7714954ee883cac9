// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.families;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.NullNode;

/**
 * Small random models of several transformer families in Hugging Face's layout, for tests. The tensors follow from
 * config.json, so that most entries can be overridden; weights of the same name and shape are the same in all models.
 */
public final class FamilyModels {
    /** More than 1, lest every position be attended alike; not so much that one position takes it all. */
    private static final double QUERY_GAIN = 1.5;
    private static final double NORM_DEVIATION = 0.3;
    private static final double BIAS_DEVIATION = 0.3;

    private static final Map<String, Object> LLAMA = with(Map.of(), "architectures", List.of("LlamaForCausalLM"),
            "model_type", "llama", "hidden_act", "silu", "hidden_size", 256, "intermediate_size", 384,
            "num_hidden_layers", 3, "num_attention_heads", 8, "num_key_value_heads", 2, "max_position_embeddings", 256,
            "rope_theta", 10000.0, "rms_norm_eps", 1e-5, "vocab_size", 256, "tie_word_embeddings", false,
            "bos_token_id", 1, "eos_token_id", 2, "torch_dtype", "float32");
    private static final Map<String, Object> MISTRAL = with(LLAMA, "architectures", List.of("MistralForCausalLM"),
            "model_type", "mistral", "num_attention_heads", 6, "head_dim", 64, "rope_theta", 100000.0, "sliding_window",
            NullNode.getInstance());
    private static final Map<String, Object> QWEN2 = with(LLAMA, "architectures", List.of("Qwen2ForCausalLM"),
            "model_type", "qwen2", "rope_theta", 1000000.0, "rms_norm_eps", 1e-6, "tie_word_embeddings", true,
            "use_sliding_window", false, "sliding_window", 12, "max_window_layers", 2);
    private static final Map<String, Object> GRANITE = with(LLAMA, "architectures", List.of("GraniteForCausalLM"),
            "model_type", "granite", "tie_word_embeddings", true, "embedding_multiplier", 6.0, "attention_multiplier",
            0.09, "residual_multiplier", 0.3, "logits_scaling", 4.0);
    /** Without {@code tie_word_embeddings}, as the published ones: it is true if nothing is said. */
    private static final Map<String, Object> GEMMA = with(LLAMA, "architectures", List.of("GemmaForCausalLM"),
            "model_type", "gemma", "hidden_act", "gelu_pytorch_tanh", "hidden_activation", "gelu_pytorch_tanh",
            "hidden_size", 128, "num_attention_heads", 4, "num_key_value_heads", 1, "head_dim", 64, "rms_norm_eps",
            1e-6, "tie_word_embeddings", null);
    private static final Map<String, Object> GEMMA2 = with(GEMMA, "architectures", List.of("Gemma2ForCausalLM"),
            "model_type", "gemma2", "num_hidden_layers", 4, "num_key_value_heads", 2, "query_pre_attn_scalar", 40,
            "attn_logit_softcapping", 5.0, "final_logit_softcapping", 3.0, "sliding_window", 12);
    private static final Map<String, Object> MIXTRAL = with(LLAMA, "architectures", List.of("MixtralForCausalLM"),
            "model_type", "mixtral", "hidden_size", 128, "intermediate_size", 256, "num_attention_heads", 4,
            "rope_theta", 1000000.0, "sliding_window", NullNode.getInstance(), "num_local_experts", 4,
            "num_experts_per_tok", 2);
    private static final Map<String, Object> GPT2 = with(Map.of(), "architectures", List.of("GPT2LMHeadModel"),
            "model_type", "gpt2", "activation_function", "gelu_new", "n_embd", 128, "n_head", 4, "n_layer", 3,
            "n_positions", 256, "n_ctx", 256, "layer_norm_epsilon", 1e-5, "vocab_size", 256, "bos_token_id", 1,
            "eos_token_id", 2);

    private static final Map<String, Map<String, Object>> CONFIGS = configs();

    private FamilyModels() {}

    private static Map<String, Map<String, Object>> configs() {
        Map<String, Map<String, Object>> configs = new LinkedHashMap<>();
        configs.put("llama-mha", with(LLAMA, "num_key_value_heads", 8));
        configs.put("llama-gqa", LLAMA);
        configs.put("llama-without-kv-heads", with(LLAMA, "num_key_value_heads", null));
        configs.put("llama-tied", with(LLAMA, "tie_word_embeddings", true));
        configs.put("llama-linear", with(LLAMA, "rope_scaling", Map.of("type", "linear", "factor", 4.0)));
        configs.put("llama-dynamic", with(LLAMA, "rope_scaling", Map.of("rope_type", "dynamic", "factor", 2.0)));
        configs.put("llama-llama3", with(LLAMA, "rope_scaling", Map.of("rope_type", "llama3", "factor", 8.0,
                "low_freq_factor", 1.0, "high_freq_factor", 4.0, "original_max_position_embeddings", 32)));
        configs.put("llama-yarn", with(LLAMA, "rope_scaling",
                Map.of("type", "yarn", "factor", 4.0, "original_max_position_embeddings", 64)));
        configs.put("llama-yarn-attention-factor",
                with(LLAMA, "rope_theta", null, "rope_parameters",
                        Map.of("rope_type", "yarn", "rope_theta", 20000.0, "factor", 4.0,
                                "original_max_position_embeddings", 64, "attention_factor", 1.3, "beta_fast", 4.0,
                                "beta_slow", 0.5)));
        configs.put("llama-biased", with(LLAMA, "attention_bias", true, "mlp_bias", true));
        configs.put("mistral", MISTRAL);
        configs.put("mistral-window", with(MISTRAL, "sliding_window", 12));
        configs.put("qwen2", QWEN2);
        configs.put("qwen2-window", with(QWEN2, "num_hidden_layers", 4, "use_sliding_window", true));
        configs.put("granite", GRANITE);
        configs.put("gemma", GEMMA);
        configs.put("gemma2", GEMMA2);
        configs.put("mixtral", MIXTRAL);
        configs.put("gpt2", GPT2);
        configs.put("gpt2-prefixed", GPT2);
        return configs;
    }

    /** Returns the names of all models. */
    public static List<String> names() {
        return List.copyOf(CONFIGS.keySet());
    }

    /** Writes a model into a directory, which is made if it does not exist, and returns the directory. */
    public static Path write(Path directory, String name) {
        return write(directory, name, Map.of());
    }

    /**
     * Writes a model with other entries of config.json than it usually has.
     *
     * @param overrides entries to replace or to add; null removes an entry, {@link NullNode} makes it {@code null} in
     *                  the file
     */
    public static Path write(Path directory, String name, Map<String, Object> overrides) {
        if (!CONFIGS.containsKey(name)) {
            throw new IllegalArgumentException("no model " + name + ", only " + names());
        }
        Map<String, Object> entries = new LinkedHashMap<>(CONFIGS.get(name));
        overrides.forEach((key, value) -> put(entries, key, value));
        JsonNode config = new ObjectMapper().valueToTree(entries);
        RandomWeights weights;
        if (config.path("model_type").asText().equals("gpt2")) {
            boolean prefixed = name.equals("gpt2-prefixed");
            weights = new RandomWeights(prefixed ? "transformer." : "");
            addGpt2(weights, config, prefixed);
        } else {
            weights = new RandomWeights("");
            addLlamaLike(weights, config);
        }
        try {
            Files.createDirectories(directory);
            Files.writeString(directory.resolve("config.json"), config.toPrettyString());
            weights.write(directory.resolve("model.safetensors"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return directory;
    }

    private static void addLlamaLike(RandomWeights weights, JsonNode config) {
        String type = config.path("model_type").asText();
        boolean gemma = type.startsWith("gemma");
        boolean tied = config.path("tie_word_embeddings").asBoolean(gemma);
        boolean attentionBias = config.path("attention_bias").asBoolean(false);
        int hidden = config.path("hidden_size").asInt();
        int heads = config.path("num_attention_heads").asInt();
        int headSize = config.path("head_dim").asInt(hidden / heads);
        int query = heads * headSize;
        int kv = config.path("num_key_value_heads").asInt(heads) * headSize;
        int vocabulary = config.path("vocab_size").asInt();
        double normMean = gemma ? 0 : 1; // Gemma adds 1 itself
        // The rows of the embedding are those of the output as well, where they are tied.
        weights.add("model.embed_tokens.weight", 0, tied ? 1 / Math.sqrt(hidden) : 1, vocabulary, hidden);
        for (int layer = 0; layer < config.path("num_hidden_layers").asInt(); layer++) {
            String prefix = "model.layers." + layer + ".";
            List<String> norms = type.equals("gemma2")
                    ? List.of("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm",
                            "post_feedforward_layernorm")
                    : List.of("input_layernorm", "post_attention_layernorm");
            for (String norm : norms) {
                weights.add(prefix + norm + ".weight", normMean, NORM_DEVIATION, hidden);
            }
            weights.matrix(prefix + "self_attn.q_proj.weight", query, hidden, QUERY_GAIN);
            weights.matrix(prefix + "self_attn.k_proj.weight", kv, hidden, QUERY_GAIN);
            weights.matrix(prefix + "self_attn.v_proj.weight", kv, hidden, 1);
            weights.matrix(prefix + "self_attn.o_proj.weight", hidden, query, 1);
            if (attentionBias || type.equals("qwen2")) {
                weights.add(prefix + "self_attn.q_proj.bias", 0, BIAS_DEVIATION, query);
                weights.add(prefix + "self_attn.k_proj.bias", 0, BIAS_DEVIATION, kv);
                weights.add(prefix + "self_attn.v_proj.bias", 0, BIAS_DEVIATION, kv);
            }
            if (attentionBias) {
                weights.add(prefix + "self_attn.o_proj.bias", 0, BIAS_DEVIATION, hidden);
            }
            addFeedForward(weights, config, prefix, hidden);
        }
        weights.add("model.norm.weight", normMean, NORM_DEVIATION, hidden);
        if (!tied) {
            weights.matrix("lm_head.weight", vocabulary, hidden, 1);
        }
    }

    private static void addFeedForward(RandomWeights weights, JsonNode config, String prefix, int hidden) {
        int intermediate = config.path("intermediate_size").asInt();
        if (config.path("model_type").asText().equals("mixtral")) {
            int experts = config.path("num_local_experts").asInt();
            weights.matrix(prefix + "block_sparse_moe.gate.weight", experts, hidden, 2);
            for (int expert = 0; expert < experts; expert++) {
                String name = prefix + "block_sparse_moe.experts." + expert;
                weights.matrix(name + ".w1.weight", intermediate, hidden, 1);
                weights.matrix(name + ".w2.weight", hidden, intermediate, 1);
                weights.matrix(name + ".w3.weight", intermediate, hidden, 1);
            }
            return;
        }
        weights.matrix(prefix + "mlp.gate_proj.weight", intermediate, hidden, 1);
        weights.matrix(prefix + "mlp.up_proj.weight", intermediate, hidden, 1);
        weights.matrix(prefix + "mlp.down_proj.weight", hidden, intermediate, 1);
        if (config.path("mlp_bias").asBoolean(false)) {
            weights.add(prefix + "mlp.gate_proj.bias", 0, BIAS_DEVIATION, intermediate);
            weights.add(prefix + "mlp.up_proj.bias", 0, BIAS_DEVIATION, intermediate);
            weights.add(prefix + "mlp.down_proj.bias", 0, BIAS_DEVIATION, hidden);
        }
    }

    private static void addGpt2(RandomWeights weights, JsonNode config, boolean mask) {
        int hidden = config.path("n_embd").asInt();
        int inner = config.path("n_inner").asInt(4 * hidden);
        double deviation = 1 / Math.sqrt(hidden);
        weights.add("wte.weight", 0, deviation, config.path("vocab_size").asInt(), hidden);
        weights.add("wpe.weight", 0, deviation, config.path("n_positions").asInt(), hidden);
        for (int layer = 0; layer < config.path("n_layer").asInt(); layer++) {
            String prefix = "h." + layer + ".";
            addLayerNorm(weights, prefix + "ln_1", hidden);
            if (mask && layer == 0) {
                weights.mask(prefix + "attn.bias", config.path("n_ctx").asInt());
            }
            addConv1d(weights, prefix + "attn.c_attn", hidden, 3 * hidden, QUERY_GAIN);
            addConv1d(weights, prefix + "attn.c_proj", hidden, hidden, 1);
            addLayerNorm(weights, prefix + "ln_2", hidden);
            addConv1d(weights, prefix + "mlp.c_fc", hidden, inner, 1);
            addConv1d(weights, prefix + "mlp.c_proj", inner, hidden, 1);
        }
        addLayerNorm(weights, "ln_f", hidden);
    }

    private static void addLayerNorm(RandomWeights weights, String name, int size) {
        weights.add(name + ".weight", 1, NORM_DEVIATION, size);
        weights.add(name + ".bias", 0, BIAS_DEVIATION, size);
    }

    /** GPT-2's linear layers are the other way round than everybody's. */
    private static void addConv1d(RandomWeights weights, String name, int in, int out, double gain) {
        weights.add(name + ".weight", 0, gain / Math.sqrt(in), in, out);
        weights.add(name + ".bias", 0, BIAS_DEVIATION, out);
    }

    private static Map<String, Object> with(Map<String, Object> base, Object... keysAndValues) {
        Map<String, Object> result = new LinkedHashMap<>(base);
        for (int i = 0; i < keysAndValues.length; i += 2) {
            put(result, (String) keysAndValues[i], keysAndValues[i + 1]);
        }
        return result;
    }

    private static void put(Map<String, Object> entries, String key, Object value) {
        if (value == null) {
            entries.remove(key);
        } else {
            entries.put(key, value);
        }
    }
}
