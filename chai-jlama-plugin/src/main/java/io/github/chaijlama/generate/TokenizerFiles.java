// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;

import io.github.chaijlama.model.JsonFiles;
import io.github.chaijlama.model.ModelDirectory;
import io.github.chaijlama.model.ModelLoadException;

/**
 * The text side of a model directory.
 *
 * @param directory the directory
 * @param tokenizer tokenizer.json
 * @param config    tokenizer_config.json, an empty object if there is none
 * @param templates its chat templates
 */
record TokenizerFiles(Path directory, JsonNode tokenizer, JsonNode config, TemplateSources templates) {
    /** What other libraries read tokenizers from, and some models come with alone: OPT, Llama, Mistral. */
    private static final List<String> OTHERS = List.of("vocab.json", "tokenizer.model", "tekken.json");

    /**
     * Reads the files.
     *
     * @throws ModelLoadException if tokenizer.json is missing or one of the files is unreadable
     */
    static TokenizerFiles read(Path named) {
        Path directory = ModelDirectory.of(named);
        Path configFile = directory.resolve("tokenizer_config.json");
        Path tokenizerFile = directory.resolve("tokenizer.json");
        if (!Files.exists(tokenizerFile, LinkOption.NOFOLLOW_LINKS)) {
            throw new ModelLoadException(tokenizerFile + " does not exist" + instead(directory));
        }
        JsonNode tokenizer = JsonFiles.readObject(tokenizerFile);
        JsonNode config = Files.exists(configFile) ? JsonFiles.readObject(configFile)
                : JsonNodeFactory.instance.objectNode();
        return new TokenizerFiles(directory, tokenizer, config, TemplateSources.read(directory, config));
    }

    private static String instead(Path directory) {
        return OTHERS.stream().filter(name -> Files.exists(directory.resolve(name))).findFirst()
                .map(name -> "; found " + name + ", from which transformers writes it: "
                        + "AutoTokenizer.from_pretrained(directory).save_pretrained(directory)")
                .orElse("");
    }

    /** Returns a token that tokenizer_config.json names, for instance {@code bos_token}; empty if it names none. */
    Optional<String> namedToken(String key) {
        JsonNode node = config.path(key);
        // Written as a string, or as an object that also says how whitespace around it is treated.
        JsonNode content = node.isObject() ? node.path("content") : node;
        return content.isTextual() ? Optional.of(content.textValue()) : Optional.empty();
    }

    /**
     * Returns the number of a token that tokenizer_config.json names; empty if it names none or the tokenizer has no
     * such token.
     */
    Optional<Integer> namedTokenId(String key) {
        return namedToken(key).flatMap(this::tokenId);
    }

    /** Whether the tokenizer has a text as a token of its own, special or not. */
    boolean hasAddedToken(String content) {
        for (JsonNode token : tokenizer.path("added_tokens")) {
            if (token.path("content").asText().equals(content)) {
                return true;
            }
        }
        return false;
    }

    /** Returns the number of a token; empty if the tokenizer has no such token. */
    Optional<Integer> tokenId(String name) {
        for (JsonNode token : tokenizer.path("added_tokens")) {
            if (token.path("content").asText().equals(name)) {
                return Optional.of(token.path("id").asInt());
            }
        }
        return idInVocabulary(tokenizer, name);
    }

    /** Returns the number of a token in the model's vocabulary; empty if there is none. */
    static Optional<Integer> idInVocabulary(JsonNode tokenizer, String content) {
        JsonNode vocabulary = tokenizer.path("model").path("vocab");
        if (vocabulary.isArray()) { // Unigram: a list of [token, score]
            for (int id = 0; id < vocabulary.size(); id++) {
                if (vocabulary.get(id).path(0).asText().equals(content)) {
                    return Optional.of(id);
                }
            }
            return Optional.empty();
        }
        return Optional.ofNullable(vocabulary.get(content)).map(JsonNode::asInt);
    }
}
