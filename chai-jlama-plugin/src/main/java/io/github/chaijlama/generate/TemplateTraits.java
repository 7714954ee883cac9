// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.regex.Pattern;

import io.github.chaijlama.tool.ToolCallFormat;

/**
 * What a chat template takes in another way than most.
 *
 * @param calls             how the model writes calls
 * @param showsCalls        whether it writes the calls of earlier messages itself; some that know tools leave that to
 *                          who gives them the messages' text (Phi 4 mini, SmolLM3)
 * @param toolsOfSystem     whether it looks for the tools in the system message, as text (Phi 4 mini)
 * @param xmlTools          whether it calls the tools {@code xml_tools} (SmolLM3)
 * @param thinkingOrContent whether a message with calls may have thinking or a text, not both (gpt-oss)
 */
record TemplateTraits(ToolCallFormat calls, boolean showsCalls, boolean toolsOfSystem, boolean xmlTools,
        boolean thinkingOrContent) {
    private static final Pattern OF_MESSAGE = Pattern.compile("message(?:\\.tools\\b|\\[['\"]tools['\"]])");

    static TemplateTraits of(String source, TokenizerFiles files) {
        ToolCallFormat calls = ToolCallFormat.of(source, files::hasAddedToken);
        boolean knowsTools = source.contains("tools");
        return new TemplateTraits(calls, source.contains("tool_calls") || !knowsTools,
                OF_MESSAGE.matcher(source).find(), source.contains("xml_tools"), calls == ToolCallFormat.HARMONY);
    }
}
