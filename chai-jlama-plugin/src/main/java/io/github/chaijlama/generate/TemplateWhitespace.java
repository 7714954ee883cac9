// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Rewrites a chat template so that Jinjava leaves the whitespace that Hugging Face's Jinja leaves: {@code lstrip_blocks} takes
 * blanks before a tag or comment only where nothing else precedes them on the line (Jinjava takes them everywhere), comments
 * honour their minus signs and swallow the line break behind them, and one line break at the end of the template is dropped.
 */
final class TemplateWhitespace {
    /** An expression, a tag or a comment, with the blanks before it. */
    private static final Pattern PART = Pattern.compile("(?s)(?<blanks>[ \\t]*)(?:(?<expression>\\{\\{.*?}})"
            + "|\\{%(?<tag>.*?)%}|\\{#(?<comment>.*?)#}(?<lineBreak>\\n?))");

    private TemplateWhitespace() {}

    static String asHuggingFace(String source) {
        String template = source.replace("\r\n", "\n");
        template = template.endsWith("\n") ? template.substring(0, template.length() - 1) : template;
        StringBuilder result = new StringBuilder();
        Matcher matcher = PART.matcher(template);
        int from = 0;
        while (matcher.find(from)) {
            result.append(template, from, matcher.start());
            boolean startsLine = matcher.start() == 0 || template.charAt(matcher.start() - 1) == '\n';
            String blanks = matcher.group("blanks");
            from = matcher.end();
            if (matcher.group("expression") != null) {
                result.append(blanks).append(matcher.group("expression"));
            } else if (matcher.group("tag") != null) {
                String tag = matcher.group("tag");
                boolean keep = tag.startsWith("+");
                result.append(startsLine && !keep ? "" : blanks).append("{%").append(keep ? tag.substring(1) : tag)
                        .append("%}");
            } else {
                from = comment(matcher, template, startsLine, result);
            }
        }
        return result.append(template, from, template.length()).toString();
    }

    /** Leaves a comment out and returns where the template goes on. */
    private static int comment(Matcher matcher, String template, boolean startsLine, StringBuilder result) {
        String comment = matcher.group("comment");
        if (comment.startsWith("-")) {
            result.setLength(result.toString().stripTrailing().length());
        } else if (!startsLine || comment.startsWith("+")) {
            result.append(matcher.group("blanks"));
        }
        int end = matcher.end();
        if (comment.endsWith("-")) {
            while (end < template.length() && Character.isWhitespace(template.charAt(end))) {
                end++;
            }
        } else if (comment.endsWith("+")) {
            end = matcher.start("lineBreak");
        }
        return end;
    }
}
