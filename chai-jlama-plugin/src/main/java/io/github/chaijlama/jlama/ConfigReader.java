// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.tjake.jlama.math.ActivationFunction;

import io.github.chaijlama.attention.HeadLayout;

/** Reads config.json and generation_config.json of a model directory, and says plainly what is wrong with them. */
final class ConfigReader {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    /** Far above any model; it only keeps an absurd value from overflowing a product of two sizes. */
    private static final int MAX_SIZE = 1 << 24;

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
        JsonNode config = readJson(file);
        ConfigReader reader = new ConfigReader(file, config);
        return reader.modelConfig(eosTokens(config, directory));
    }

    private static JsonNode readJson(Path file) {
        if (!Files.exists(file)) {
            throw new ModelLoadException(file + " does not exist");
        }
        try {
            JsonNode node = MAPPER.readTree(Files.readString(file));
            if (!node.isObject()) {
                throw new ModelLoadException(file + " must hold a JSON object, found " + node.getNodeType());
            }
            return node;
        } catch (JsonProcessingException e) {
            throw new ModelLoadException(file + " is not JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new ModelLoadException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private ModelConfig modelConfig(List<Integer> eosTokens) {
        JsonNode type = config.path("model_type");
        if (!type.isTextual()) {
            throw bad("model_type", "a string", type);
        }
        ModelFamily family = ModelFamily.of(type.textValue());
        refuseUnsupported();
        int hiddenSize = size("hidden_size");
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
        int vocabularySize = size("vocab_size");
        Integer bosToken = has("bos_token_id") ? token("bos_token_id", config.path("bos_token_id"), vocabularySize)
                : null;
        for (int token : eosTokens) {
            checkToken("eos_token_id", token, vocabularySize);
        }
        return new ModelConfig(family, size("num_hidden_layers"), hiddenSize, size("intermediate_size"),
                new HeadLayout(heads, kvHeads, headSize), vocabularySize, size("max_position_embeddings"),
                (float) number("rms_norm_eps", 1e-6), activation(), number("rope_theta", 10000),
                config.path("tie_word_embeddings").asBoolean(false), bosToken, eosTokens);
    }

    /** Jlama would compute these models without a word, and wrongly. */
    private void refuseUnsupported() {
        JsonNode scaling = config.path("rope_scaling");
        if (scaling.isObject()) {
            String kind = scaling.path("rope_type").asText(scaling.path("type").asText("of no type"));
            if (!kind.equals("default")) {
                throw new ModelLoadException(file + ": rotary scaling '" + kind + "' is not supported");
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
                    file + ": 'hidden_act' must be silu or gelu_pytorch_tanh, found " + name);
        };
    }

    /** Returns the end tokens of both files: generation_config.json often knows more of them. */
    private static List<Integer> eosTokens(JsonNode config, Path directory) {
        Set<Integer> tokens = new LinkedHashSet<>(tokens(config.path("eos_token_id")));
        Path generation = directory.resolve("generation_config.json");
        if (Files.exists(generation)) {
            tokens.addAll(tokens(readJson(generation).path("eos_token_id")));
        }
        return new ArrayList<>(tokens);
    }

    private static List<Integer> tokens(JsonNode node) {
        List<Integer> tokens = new ArrayList<>();
        if (node.isIntegralNumber()) {
            tokens.add(node.intValue());
        }
        node.forEach(token -> tokens.add(token.intValue()));
        return tokens;
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

    private double number(String key, double defaultValue) {
        if (!has(key)) {
            return defaultValue;
        }
        JsonNode node = config.path(key);
        if (!node.isNumber() || !(node.doubleValue() > 0) || Double.isInfinite(node.doubleValue())) {
            throw bad(key, "a number above 0", node);
        }
        return node.doubleValue();
    }

    private int token(String key, JsonNode node, int vocabularySize) {
        if (!node.isIntegralNumber() || !node.canConvertToInt()) {
            throw bad(key, "a token", node);
        }
        checkToken(key, node.intValue(), vocabularySize);
        return node.intValue();
    }

    private void checkToken(String key, int token, int vocabularySize) {
        if (token < 0 || token >= vocabularySize) {
            throw new ModelLoadException(file + ": '" + key + "' must be a token from 0 to " + (vocabularySize - 1)
                    + ", found " + token);
        }
    }

    private ModelLoadException bad(String key, String expected, JsonNode found) {
        return new ModelLoadException(file + ": '" + key + "' must be " + expected + ", found "
                + (found.isMissingNode() ? "nothing" : found));
    }
}
