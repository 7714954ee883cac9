// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** Reads config.json and generation_config.json of a model directory, and says plainly what is wrong with them. */
final class ConfigReader {
    private final List<ModelFamily> families;

    /** Creates a reader that knows some families. */
    ConfigReader(List<ModelFamily> families) {
        this.families = families;
    }

    /**
     * Reads the configuration of a model.
     *
     * @throws ModelLoadException if a file is missing or unreadable, a value impossible, or something it asks for is
     *                            not supported
     */
    ModelConfig read(Path named) {
        Path directory = ModelDirectory.of(named);
        if (!Files.isDirectory(directory)) {
            throw new ModelLoadException("model directory " + directory + " "
                    + (Files.exists(directory) ? "is not a directory" : "does not exist"));
        }
        ConfigValues values = values(directory.resolve("config.json"));
        ModelConfig config = family(Excerpt.of(values.text("model_type"))).read(values);
        Path generationFile = directory.resolve("generation_config.json");
        if (!Files.exists(generationFile)) {
            return config;
        }
        // It often knows more end tokens.
        Set<Integer> eosTokens = new LinkedHashSet<>(config.eosTokens());
        eosTokens.addAll(values(generationFile).tokens("eos_token_id", config.vocabularySize()));
        return config.withEosTokens(List.copyOf(eosTokens));
    }

    /**
     * Finds out what is wrong with a configuration, as far as it can be read without what is wrong.
     *
     * @throws ModelLoadException if there is nothing that can be read
     */
    ConfigProblems problems(Path named) {
        Path file = ModelDirectory.of(named).resolve("config.json");
        ObjectNode values = (ObjectNode) JsonFiles.readObject(file);
        List<String> reasons = new ArrayList<>();
        boolean quantized = true;
        while (true) {
            try {
                ConfigValues left = new ConfigValues(file, values);
                ModelConfig config = family(Excerpt.of(left.text("model_type"))).read(left);
                return new ConfigProblems(reasons, quantized ? Optional.of(config) : Optional.empty());
            } catch (ModelLoadException e) {
                reasons.add(e.getMessage());
                List<JsonNode> parents = e.key().map(values::findParents).orElse(List.of());
                if (parents.isEmpty()) {
                    return new ConfigProblems(reasons, Optional.empty());
                }
                parents.forEach(parent -> ((ObjectNode) parent).remove(e.key().orElseThrow()));
                quantized &= !e.key().equals(Optional.of(StoredQuantization.CONFIG));
            }
        }
    }

    private ModelFamily family(String modelType) {
        return families.stream().filter(family -> family.modelType().equals(modelType)).findFirst()
                .orElseThrow(() -> new ModelLoadException("model type '" + modelType + "' is not supported; supported: "
                        + families.stream().map(ModelFamily::modelType).collect(Collectors.joining(", "))));
    }

    private static ConfigValues values(Path file) {
        return new ConfigValues(file, JsonFiles.readObject(file));
    }
}
