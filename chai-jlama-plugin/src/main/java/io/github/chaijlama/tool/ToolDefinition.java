// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.tool;

import java.util.Objects;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * A tool that a model may call.
 *
 * @param name        its name
 * @param description what it does, empty if that is not said
 * @param parameters  JSON schema of the object of its arguments, with {@code properties}; not to be changed
 */
public record ToolDefinition(String name, String description, JsonNode parameters) {

    public ToolDefinition {
        Objects.requireNonNull(name, "name");
        if (!parameters.path("properties").isObject()) {
            throw new IllegalArgumentException("the parameters of tool '" + name
                    + "' must be an object with properties, found " + parameters);
        }
    }
}
