// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.List;
import java.util.regex.Pattern;

import io.github.chaijlama.tool.ToolCallFormat;

/**
 * What a chat template takes in another way than most.
 *
 * @param calls             how the model writes calls
 * @param showsCalls        whether it writes the calls of earlier messages itself; some that know tools leave that to
 *                          who gives them the messages' text (Phi 4 mini, SmolLM3, Granite 3)
 * @param toolsOfSystem     whether it looks for the tools in the system message, as text (Phi 4 mini)
 * @param xmlTools          whether it calls the tools {@code xml_tools} (SmolLM3)
 * @param resultRole        role of the results of calls; others than {@code tool} would pass over them (Granite 3.0)
 * @param thinkingOrContent whether a message with calls may have thinking or a text, not both (gpt-oss)
 * @param thinkingBlocks    whether thinking is a block of a message's content (Ministral 3)
 */
record TemplateTraits(ToolCallFormat calls, boolean showsCalls, boolean toolsOfSystem, boolean xmlTools,
        String resultRole, boolean thinkingOrContent, boolean thinkingBlocks) {
    private static final Pattern OF_MESSAGE = Pattern.compile("message(?:\\.tools\\b|\\[['\"]tools['\"]])");
    /** The calls of a message, and not a role of that name. */
    private static final Pattern CALLS = Pattern
            .compile("\\.tool_calls\\b|[\\[(]['\"]tool_calls['\"]|['\"]tool_calls['\"] (?:not )?in\\b");
    private static final Pattern THINKING_BLOCK = Pattern
            .compile("(?:\\['type']|\\[\"type\"]|\\.type) *== *['\"]thinking['\"]");
    private static final String TOOL = "tool";
    /** What Granite 3.0 and first templates of Mistral 0.3 call results, which do not know {@code tool}. */
    private static final List<String> OTHER_ROLES = List.of("tool_response", "tool_results");

    static TemplateTraits of(String source, TokenizerFiles files) {
        ToolCallFormat calls = ToolCallFormat.of(source, files::hasAddedToken);
        boolean knowsTools = source.contains("tools");
        return new TemplateTraits(calls, CALLS.matcher(source).find() || !knowsTools,
                OF_MESSAGE.matcher(source).find(), source.contains("xml_tools"), resultRole(source),
                calls == ToolCallFormat.HARMONY, THINKING_BLOCK.matcher(source).find());
    }

    private static String resultRole(String source) {
        return OTHER_ROLES.stream().filter(role -> names(source, role) && !names(source, TOOL)).findFirst()
                .orElse(TOOL);
    }

    private static boolean names(String source, String role) {
        return source.contains("'" + role + "'") || source.contains('"' + role + '"');
    }
}
