// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.tool;

import java.util.List;

/** How a model writes calls, as far as it matters to make it write one. */
public enum ToolCallFormat {
    /** {@code {"name": "add", "parameters": {"a": 1}}}, as Llama 3.x. */
    JSON("", "parameters"),
    /**
     * <code>&lt;tool_call&gt;{"name": "add", "arguments": {"a": 1}}&lt;/tool_call&gt;</code>, as Hermes 2 Pro and Qwen
     * 2.5.
     */
    HERMES("<tool_call>\n", "arguments"),
    /** <code>[TOOL_CALLS] [{"name": "add", "arguments": {"a": 1}}]</code>, as Mistral 0.3. */
    MISTRAL("[TOOL_CALLS] [", "arguments");

    /**
     * What stands before calls. Tokenizers have it as one token, which may be special; then it is text nevertheless.
     */
    public static final List<String> MARKERS = List.of("<tool_call>", "[TOOL_CALLS]", "<|python_tag|>");

    private final String opening;
    private final String argumentsKey;

    ToolCallFormat(String opening, String argumentsKey) {
        this.opening = opening;
        this.argumentsKey = argumentsKey;
    }

    /** Returns the format of a model with this chat template. */
    public static ToolCallFormat of(String chatTemplate) {
        return chatTemplate.contains("<tool_call>") ? HERMES : chatTemplate.contains("[TOOL_CALLS]") ? MISTRAL : JSON;
    }

    /** Returns what the model writes before the object of its first call. */
    public String opening() {
        return opening;
    }

    /** Returns the name under which the arguments are. */
    public String argumentsKey() {
        return argumentsKey;
    }
}
