// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.github.chaijlama.jlama.ModelLoadException;

/**
 * The text side of a model directory.
 *
 * @param directory the directory
 * @param tokenizer tokenizer.json
 * @param config    tokenizer_config.json, an empty object if there is none
 */
record TokenizerFiles(Path directory, JsonNode tokenizer, JsonNode config) {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    /**
     * Reads the files.
     *
     * @throws ModelLoadException if tokenizer.json is missing or one of the files is unreadable
     */
    static TokenizerFiles read(Path directory) {
        Path tokenizer = directory.resolve("tokenizer.json");
        if (!Files.exists(tokenizer)) {
            throw new ModelLoadException(tokenizer + " does not exist");
        }
        Path config = directory.resolve("tokenizer_config.json");
        return new TokenizerFiles(directory, readObject(tokenizer),
                Files.exists(config) ? readObject(config) : MAPPER.createObjectNode());
    }

    private static JsonNode readObject(Path file) {
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

    /** Returns a token that tokenizer_config.json names, for instance {@code bos_token}; null if it names none. */
    String namedToken(String key) {
        JsonNode node = config.path(key);
        // Written as a string, or as an object that also says how whitespace around it is treated.
        JsonNode content = node.isObject() ? node.path("content") : node;
        return content.isTextual() ? content.textValue() : null;
    }
}
