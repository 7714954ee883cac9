// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

import io.github.chaijlama.generate.ChatTemplate;
import io.github.chaijlama.generate.TextTokenizer;
import io.github.chaijlama.model.ConfigProblems;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.model.ModelDirectory;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.weight.StoredTensors;

/** Why a model cannot be run: all of it, where loading it names what it finds first. */
final class ModelReasons {
    private final Path directory;
    private final List<String> reasons = new ArrayList<>();

    private ModelReasons(Path directory) {
        this.directory = directory;
    }

    /**
     * Returns the reasons as sentences, at least one.
     *
     * @param first what loading the model named; it stands alone where the files themselves are not to blame
     */
    static List<String> of(Path named, ModelLoadException first) {
        Optional<Path> directory = attempt(new ArrayList<>(), () -> ModelDirectory.of(named));
        if (directory.isEmpty() || !Files.isDirectory(directory.get())) {
            return List.of(String.valueOf(first.getMessage()));
        }
        ModelReasons found = new ModelReasons(directory.get());
        Optional<ModelConfig> config = found.ofModel();
        if (found.reasons.isEmpty()) {
            found.reasons.add(String.valueOf(first.getMessage()));
        }
        found.ofText(config);
        return found.reasons.stream().distinct().toList();
    }

    private Optional<ModelConfig> ofModel() {
        Optional<ConfigProblems> problems = attempt(reasons, () -> ConfigProblems.of(directory));
        problems.ifPresent(present -> reasons.addAll(present.reasons()));
        List<String> ofFiles = StoredTensors.fileProblems(directory);
        reasons.addAll(ofFiles);
        Optional<ModelConfig> config = problems.flatMap(ConfigProblems::config);
        if (ofFiles.isEmpty()) {
            config.flatMap(present -> attempt(reasons, () -> StoredTensors.problems(directory, present)))
                    .ifPresent(reasons::addAll);
        }
        return config;
    }

    private void ofText(Optional<ModelConfig> config) {
        if (config.isPresent()) {
            attempt(reasons, () -> readText(config.get()));
        } else if (!Files.exists(directory.resolve("tokenizer.json"))) {
            attempt(reasons, () -> ChatTemplate.existsIn(directory)); // which says so
        }
    }

    private boolean readText(ModelConfig config) {
        try (TextTokenizer tokenizer = TextTokenizer.load(directory, config)) {
            return ChatTemplate.read(directory, tokenizer).isPresent();
        }
    }

    private static <T> Optional<T> attempt(List<String> reasons, Supplier<T> work) {
        try {
            return Optional.of(work.get());
        } catch (ModelLoadException e) {
            reasons.add(String.valueOf(e.getMessage()));
            return Optional.empty();
        }
    }
}
