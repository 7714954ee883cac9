// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.function.Function;

/**
 * An architecture: the {@code model_type} of its config.json, and what the rest of that file means. What a missing
 * value means is what it means to Hugging Face. Immutable.
 *
 * @param modelType   {@code model_type}
 * @param description reads a configuration
 */
public record ModelFamily(String modelType, Function<ConfigValues, ModelConfig> description) {

    /**
     * Reads a configuration of this family.
     *
     * @throws ModelLoadException if a value is impossible, or something is asked for that is not supported
     */
    ModelConfig read(ConfigValues config) {
        return description.apply(config);
    }
}
