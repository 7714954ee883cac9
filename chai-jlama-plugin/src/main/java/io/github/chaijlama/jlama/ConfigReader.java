// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

import com.fasterxml.jackson.databind.JsonNode;
import com.github.tjake.jlama.math.ActivationFunction;

import io.github.chaijlama.attention.HeadLayout;

/** Reads config.json and generation_config.json of a model directory, and says plainly what is wrong with them. */
final class ConfigReader {
    /** Far above any model; it only keeps an absurd value from overflowing a product of two sizes. */
    private static final int MAX_SIZE = 1 << 24;
    private static final int VECTOR_LENGTH = 32;

    private final Path file;
    private final JsonNode config;

    private ConfigReader(Path file, JsonNode config) {
        this.file = file;
        this.config = config;
    }

    /**
     * Reads the configuration of a model.
     *
     * @throws ModelLoadException if a file is missing or unreadable, a value impossible, or something it asks for is not
     *                            supported
     */
    static ModelConfig read(Path directory) {
        if (!Files.isDirectory(directory)) {
            throw new ModelLoadException("model directory " + directory + " "
                    + (Files.exists(directory) ? "is not a directory" : "does not exist"));
        }
        Path file = directory.resolve("config.json");
        ConfigReader reader = new ConfigReader(file, JsonFiles.readObject(file));
        ModelConfig config = reader.modelConfig();
        Path generationFile = directory.resolve("generation_config.json");
        if (!Files.exists(generationFile)) {
            return config;
        }
        // It often knows more end tokens.
        ConfigReader generation = new ConfigReader(generationFile, JsonFiles.readObject(generationFile));
        Set<Integer> eosTokens = new LinkedHashSet<>(config.eosTokens());
        eosTokens.addAll(generation.eosTokens(config.vocabularySize()));
        return config.withEosTokens(List.copyOf(eosTokens));
    }

    private ModelConfig modelConfig() {
        JsonNode type = config.path("model_type");
        if (!type.isTextual()) {
            throw bad("model_type", "a string", type);
        }
        ModelFamily family = ModelFamily.of(Excerpt.of(type.textValue()));
        refuseUnsupported();
        int hiddenSize = vectorLength("hidden_size", size("hidden_size"));
        int heads = size("num_attention_heads");
        if (!has("head_dim") && hiddenSize % heads != 0) {
            throw bad("num_attention_heads", "a divisor of hidden_size (" + hiddenSize + ")",
                    config.path("num_attention_heads"));
        }
        // The configurations of the original LLaMA have no num_key_value_heads: every head has its own.
        int kvHeads = has("num_key_value_heads") ? size("num_key_value_heads") : heads;
        if (heads % kvHeads != 0) {
            throw bad("num_key_value_heads", "a divisor of num_attention_heads (" + heads + ")",
                    config.path("num_key_value_heads"));
        }
        int headSize = has("head_dim") ? size("head_dim") : hiddenSize / heads;
        if (headSize % 2 != 0) {
            throw new ModelLoadException(file + ": heads of " + headSize + " values cannot be rotated in pairs");
        }
        if ((long) heads * headSize > MAX_SIZE) {
            throw new ModelLoadException(file + ": " + heads + " heads of " + headSize + " values are more than "
                    + MAX_SIZE);
        }
        vectorLength("num_attention_heads times the size of a head", heads * headSize);
        int vocabularySize = size("vocab_size");
        Integer bosToken = has("bos_token_id") ? token("bos_token_id", config.path("bos_token_id"), vocabularySize)
                : null;
        return new ModelConfig(family, size("num_hidden_layers"), hiddenSize,
                vectorLength("intermediate_size", size("intermediate_size")),
                new HeadLayout(heads, kvHeads, headSize), vocabularySize, size("max_position_embeddings"),
                (float) number("rms_norm_eps", config, 1e-6), activation(), ropeTheta(),
                config.path("tie_word_embeddings").asBoolean(false), bosToken, eosTokens(vocabularySize));
    }

    /** Jlama's dot products read whole vectors: of a length that is no multiple of this they leave the rest out, silently. */
    private int vectorLength(String what, int length) {
        if (length % VECTOR_LENGTH != 0) {
            throw new ModelLoadException(
                    file + ": " + what + " must be a multiple of " + VECTOR_LENGTH + ", found " + length);
        }
        return length;
    }

    /** Newer files keep everything about the rotary embedding in an object of its own. */
    private double ropeTheta() {
        JsonNode own = config.path("rope_parameters");
        return number("rope_theta", has("rope_theta") || !own.isObject() ? config : own, 10000);
    }

    /** Jlama would compute these models without a word, and wrongly. */
    private void refuseUnsupported() {
        for (String key : List.of("rope_scaling", "rope_parameters")) {
            JsonNode scaling = config.path(key);
            if (scaling.isObject()) {
                String kind = scaling.path("rope_type").asText(scaling.path("type").asText("default"));
                if (!kind.equals("default")) {
                    throw new ModelLoadException(file + ": rotary scaling '" + Excerpt.of(kind) + "' is not supported");
                }
            } else if (has(key)) {
                throw bad(key, "an object", scaling);
            }
        }
        for (String bias : List.of("attention_bias", "mlp_bias")) {
            if (config.path(bias).asBoolean(false)) {
                throw new ModelLoadException(file + ": '" + bias + "' is not supported");
            }
        }
    }

    private ActivationFunction.Type activation() {
        String name = config.path("hidden_act").asText("silu");
        return switch (name) {
            case "silu" -> ActivationFunction.Type.SILU;
            case "gelu_pytorch_tanh" -> ActivationFunction.Type.GELU_PYTORCH_TANH;
            default -> throw new ModelLoadException(
                    file + ": 'hidden_act' must be silu or gelu_pytorch_tanh, found " + Excerpt.of(name));
        };
    }

    /** Returns the end tokens: one, several, or none. */
    private List<Integer> eosTokens(int vocabularySize) {
        JsonNode node = config.path("eos_token_id");
        if (!has("eos_token_id")) {
            return List.of();
        }
        List<Integer> tokens = new ArrayList<>();
        for (JsonNode token : node.isArray() ? node : List.of(node)) {
            tokens.add(token("eos_token_id", token, vocabularySize));
        }
        return List.copyOf(tokens);
    }

    private boolean has(String key) {
        return !config.path(key).isMissingNode() && !config.path(key).isNull();
    }

    private int size(String key) {
        JsonNode node = config.path(key);
        if (!node.isIntegralNumber() || !node.canConvertToInt() || node.intValue() < 1 || node.intValue() > MAX_SIZE) {
            throw bad(key, "a whole number from 1 to " + MAX_SIZE, node);
        }
        return node.intValue();
    }

    private double number(String key, JsonNode parent, double defaultValue) {
        JsonNode node = parent.path(key);
        if (node.isMissingNode() || node.isNull()) {
            return defaultValue;
        }
        if (!node.isNumber() || !(node.doubleValue() > 0) || Double.isInfinite(node.doubleValue())) {
            throw bad(key, "a number above 0", node);
        }
        return node.doubleValue();
    }

    private int token(String key, JsonNode node, int vocabularySize) {
        if (!node.isIntegralNumber() || !node.canConvertToInt()) {
            throw bad(key, "a token", node);
        }
        int token = node.intValue();
        if (token < 0 || token >= vocabularySize) {
            throw new ModelLoadException(file + ": '" + key + "' must be a token from 0 to " + (vocabularySize - 1)
                    + ", found " + token);
        }
        return token;
    }

    private ModelLoadException bad(String key, String expected, JsonNode found) {
        return new ModelLoadException(file + ": '" + key + "' must be " + expected + ", found " + Excerpt.of(found));
    }
}
