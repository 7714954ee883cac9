// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.tool;

import java.util.Objects;

/**
 * A call of a tool, as a model wrote it.
 *
 * @param id        tells calls apart, empty if nothing does
 * @param name      name of the tool; models may invent one
 * @param arguments its arguments, normally a JSON object, exactly as they were written
 */
public record ToolCall(String id, String name, String arguments) {

    public ToolCall {
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(arguments, "arguments");
    }
}
