// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.tool;

import java.util.List;
import java.util.function.Predicate;

import org.jspecify.annotations.Nullable;

/** How a model writes calls, as far as it matters to make it write one. */
public enum ToolCallFormat {
    /** {@code {"name": "add", "parameters": {"a": 1}}}, as Llama 3.x. */
    JSON("", "parameters", "\n", ""),
    /**
     * <code>&lt;tool_call&gt;{"name": "add", "arguments": {"a": 1}}&lt;/tool_call&gt;</code>, as Hermes 2 Pro, Qwen 2.5
     * and 3, SmolLM3, and Granite from 4 on.
     */
    HERMES("<tool_call>\n", "arguments", "\n</tool_call>\n<tool_call>\n", "\n</tool_call>"),
    /** <code>[TOOL_CALLS] [{"name": "add", "arguments": {"a": 1}}]</code>, as Mistral 0.3. */
    MISTRAL("[TOOL_CALLS] [", "arguments", ", ", "]"),
    /** The same without the space, as Mistral Nemo. */
    MISTRAL_NEMO("[TOOL_CALLS][", "arguments", ", ", "]"),
    /** <code>[TOOL_CALLS]add[ARGS]{"a": 1}</code>, as Mistral Small 3.2 and Ministral 3. */
    MISTRAL_ARGS("[TOOL_CALLS]", "", "[TOOL_CALLS]", ""),
    /** <code>&lt;|tool_call|&gt;[{"name": "add", "arguments": {"a": 1}}]</code>, as Granite 3. */
    LIST("<|tool_call|>[", "arguments", ", ", "]"),
    /** The same with <code>&lt;|/tool_call|&gt;</code> behind it, as Phi 4 mini. */
    CLOSED_LIST("<|tool_call|>[", "arguments", ", ", "]<|/tool_call|>"),
    /**
     * <code>&lt;|tool_call&gt;call:add{a:1}&lt;tool_call|&gt;</code>, as Gemma 4; where a call must come, its arguments
     * are JSON.
     */
    GEMMA("<|tool_call>call:", "", "<tool_call|><|tool_call>call:", "<tool_call|>"),
    /**
     * <code>&lt;|channel|&gt;commentary to=functions.add &lt;|constrain|&gt;json&lt;|message|&gt;{"a": 1}</code>, as
     * gpt-oss.
     */
    HARMONY("<|channel|>commentary to=functions.", "",
            "<|call|><|start|>assistant<|channel|>commentary to=functions.", "<|call|>");

    private static final String MISTRAL_MARKER = "[TOOL_CALLS]";
    private static final String GEMMA_MARKER = "<|tool_call>";
    private static final String HARMONY_MARKER = "<|channel|>commentary to=";
    /** What stands before calls. */
    static final List<String> MARKERS = List.of("<tool_call>", "<|tool_call|>", MISTRAL_MARKER, "<|python_tag|>",
            GEMMA_MARKER, HARMONY_MARKER);
    /**
     * The tokens by which calls are found. Tokenizers may have them as special ones, which have no text; these are text
     * nevertheless.
     */
    public static final List<String> TOKENS = List.of("<tool_call>", "<|tool_call|>", "[TOOL_CALLS]", "<|python_tag|>",
            NamedCall.ID, NamedCall.ARGUMENTS, GEMMA_MARKER, "<tool_call|>", GemmaArguments.QUOTE);

    private final String opening;
    private final String argumentsKey;
    private final String between;
    private final String closing;

    ToolCallFormat(String opening, String argumentsKey, String between, String closing) {
        this.opening = opening;
        this.argumentsKey = argumentsKey;
        this.between = between;
        this.closing = closing;
    }

    /**
     * Returns the format of a model.
     *
     * @param chatTemplate its template for conversations with tools
     * @param hasToken     whether its tokenizer has a text as a token of its own; some templates leave calls to whoever
     *                     fills them in
     */
    public static ToolCallFormat of(String chatTemplate, Predicate<String> hasToken) {
        if (chatTemplate.contains("<|channel|>") && chatTemplate.contains("to=")) {
            return HARMONY;
        }
        if (chatTemplate.contains(GEMMA_MARKER)) {
            return GEMMA;
        }
        if (chatTemplate.contains("<tool_call>")) {
            return HERMES;
        }
        if (chatTemplate.contains("[TOOL_CALLS]")) {
            return chatTemplate.contains(NamedCall.ARGUMENTS) ? MISTRAL_ARGS
                    : chatTemplate.contains("[TOOL_CALLS] [") ? MISTRAL : MISTRAL_NEMO;
        }
        if (chatTemplate.contains("<|tool_call|>") || hasToken.test("<|tool_call|>")) {
            return hasToken.test("<|/tool_call|>") ? CLOSED_LIST : LIST;
        }
        return JSON;
    }

    /** Returns how a call is written after a marker if its name stands before its arguments; null if it never does. */
    static NamedCall.@Nullable Form named(String marker) {
        return switch (marker) {
            case MISTRAL_MARKER -> NamedCall.Form.MISTRAL;
            case HARMONY_MARKER -> NamedCall.Form.HARMONY;
            case GEMMA_MARKER -> NamedCall.Form.GEMMA;
            default -> null;
        };
    }

    /** Whether an answer begins with what stands before calls, in whatever format. */
    public static boolean marks(String answer) {
        return MARKERS.stream().anyMatch(answer::startsWith);
    }

    /** Returns what the model writes before its first call. */
    public String opening() {
        return opening;
    }

    /** Returns what the model writes between two calls. */
    public String between() {
        return between;
    }

    /** Returns what the model writes after its last call; some models of the family leave it out. */
    public String closing() {
        return closing;
    }

    /** Returns what follows the opening before the arguments of a call of this tool; empty if the call is an object. */
    public String beforeArguments(String tool) {
        return switch (this) {
            case MISTRAL_ARGS -> tool + NamedCall.ARGUMENTS;
            case GEMMA -> tool;
            case HARMONY -> tool + " <|constrain|>json<|message|>";
            case JSON, HERMES, MISTRAL, MISTRAL_NEMO, LIST, CLOSED_LIST -> "";
        };
    }

    /** Whether a call is an object with the name and the arguments in it, and not a name followed by arguments. */
    public boolean isObject() {
        return !argumentsKey.isEmpty();
    }

    /** Returns the name under which the arguments are in the object of a call, empty if it is none. */
    public String argumentsKey() {
        return argumentsKey;
    }
}
