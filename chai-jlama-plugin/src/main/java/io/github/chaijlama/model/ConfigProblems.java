// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Everything that is wrong with a configuration. Immutable.
 *
 * @param reasons sentences, each with the file, what was expected and what was found
 * @param config  what the configuration says without what is wrong; empty if nothing can be read then, or tensors are
 *                stored in a way that is not known
 */
public record ConfigProblems(List<String> reasons, Optional<ModelConfig> config) {
    public ConfigProblems {
        reasons = List.copyOf(reasons);
    }

    /**
     * Reads the configuration of a model directory.
     *
     * @throws ModelLoadException if it is missing or unreadable
     */
    public static ConfigProblems of(Path directory) {
        return new ConfigReader(Families.ALL).problems(directory);
    }
}
