// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.template;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Rewrites a chat template so that Jinjava leaves the whitespace that Hugging Face's Jinja leaves ({@code trim_blocks}
 * and {@code lstrip_blocks}, minus and plus signs): what is to go is taken out here, and no sign is left for Jinjava,
 * which treats some of them differently. Comments go too, {@code raw} becomes a string, and {@code generation}, with
 * which templates mark the model's part for training, becomes a block without effect.
 */
final class TemplateWhitespace {
    private static final Pattern START = Pattern.compile("\\{[{%#]");
    private static final Pattern RAW = Pattern.compile("\\{%[-+]?\\s*raw\\s*(-?)%}", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern END_RAW = Pattern.compile("\\{%([-+]?)\\s*endraw\\s*([-+]?)%}",
            Pattern.UNICODE_CHARACTER_CLASS);
    /** What Jinjava would not take for text. */
    private static final Pattern MARKS = Pattern.compile("\\{[{%#]|[}%#]}|\\{$");
    private static final char KEEP = '+';
    private static final char TAKE = '-';

    private final String template;
    private final StringBuilder result = new StringBuilder();
    /** Text that is not written yet: what follows may take blanks from its end. */
    private final StringBuilder text = new StringBuilder();
    private int at;
    /** Whether what was read last ended a line. */
    private boolean startsLine = true;
    /** Line breaks that were taken out and are put inside of the next tag, so that errors name the right line. */
    private int lines;

    private TemplateWhitespace(String source) {
        String unix = source.replace("\r\n", "\n").replace('\r', '\n');
        this.template = unix.endsWith("\n") ? unix.substring(0, unix.length() - 1) : unix;
    }

    /**
     * Returns the template for Jinjava.
     *
     * @throws ChatTemplateException if a tag, an expression or a comment does not end
     */
    static String asHuggingFace(String source) {
        return new TemplateWhitespace(source).rewrite();
    }

    private String rewrite() {
        Matcher start = START.matcher(template);
        while (start.find(at)) {
            text.append(template, at, start.start());
            at = start.end();
            switch (template.charAt(at - 1)) {
                case '{' -> expression();
                case '%' -> tag(start.start());
                default -> comment();
            }
        }
        text.append(template, at, template.length());
        writeText();
        return result.toString();
    }

    private void expression() {
        if (sign() == TAKE) {
            stripText();
        }
        int end = endOfCode("}}");
        boolean take = template.charAt(end - 1) == TAKE && end > at;
        String code = code(take ? end - 1 : end);
        if (code.isBlank()) {
            throw unreadable("an expression is empty", at);
        }
        writeText();
        // Jinjava would take a minus for a sign even after blanks.
        boolean negative = code.stripLeading().startsWith("-");
        result.append(negative ? "{{ (" : "{{ ").append(code).append(breaks()).append(negative ? ") }}" : " }}");
        at = end + 2;
        afterTag(take ? TAKE : KEEP);
    }

    private void tag(int start) {
        Matcher raw = RAW.matcher(template).region(start, template.length());
        if (raw.lookingAt()) {
            raw(raw);
            return;
        }
        beforeTag(sign());
        int end = endOfCode("%}");
        char sign = end > at ? template.charAt(end - 1) : ' ';
        String code = code(sign == TAKE || sign == KEEP ? end - 1 : end).strip();
        if (code.equals("generation")) {
            code = "if true";
        } else if (code.equals("endgeneration")) {
            code = "endif";
        }
        writeText();
        result.append("{% ").append(code).append(breaks()).append(" %}");
        at = end + 2;
        afterTag(sign);
    }

    private void raw(Matcher raw) {
        beforeTag(sign());
        writeText();
        at = raw.end();
        afterTag(raw.group(1).isEmpty() ? KEEP : TAKE);
        Matcher end = END_RAW.matcher(template);
        if (!end.find(at)) {
            throw unreadable("'raw' does not end", at);
        }
        text.append(template, at, end.start());
        at = end.end();
        beforeTag(end.group(1).isEmpty() ? ' ' : end.group(1).charAt(0));
        writeText();
        afterTag(end.group(2).isEmpty() ? ' ' : end.group(2).charAt(0));
    }

    private void comment() {
        int end = template.indexOf("#}", at);
        if (end < 0) {
            throw unreadable("a comment does not end", at);
        }
        beforeTag(sign());
        lines += (int) template.substring(Math.min(at, end), end).chars().filter(character -> character == '\n')
                .count();
        char sign = end > at ? template.charAt(end - 1) : ' ';
        at = end + 2;
        // What the comment separated stays separated: blanks after it are no beginning of a line.
        writeText();
        afterTag(sign);
    }

    /** Reads the sign after the beginning of a tag. */
    private char sign() {
        char sign = at < template.length() ? template.charAt(at) : ' ';
        if (sign == TAKE || sign == KEEP) {
            at++;
        }
        return sign;
    }

    /**
     * Takes from the text what the beginning of a tag or a comment takes: blanks where nothing else is before it on the
     * line.
     */
    private void beforeTag(char sign) {
        if (sign == TAKE) {
            stripText();
        } else if (sign != KEEP) {
            int line = text.lastIndexOf("\n") + 1;
            if ((line > 0 || startsLine) && text.substring(line).chars().allMatch(PythonValues::isWhitespace)) {
                text.setLength(line);
            }
        }
    }

    private void stripText() {
        int end = text.length();
        while (end > 0 && PythonValues.isWhitespace(text.charAt(end - 1))) {
            end--;
            lines += text.charAt(end) == '\n' ? 1 : 0;
        }
        text.setLength(end);
    }

    /** Goes on after the end of a tag or a comment, which takes a line break if nothing else is said. */
    private void afterTag(char sign) {
        int from = at;
        if (sign == TAKE) {
            skipWhitespace();
        } else if (sign != KEEP && template.startsWith("\n", at)) {
            at++;
            lines++;
        }
        startsLine = at > from && template.charAt(at - 1) == '\n';
    }

    private void skipWhitespace() {
        while (at < template.length() && PythonValues.isWhitespace(template.charAt(at))) {
            lines += template.charAt(at) == '\n' ? 1 : 0;
            at++;
        }
    }

    private void writeText() {
        if (MARKS.matcher(text).find()) {
            result.append("{{ '")
                    .append(text.toString().replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n"))
                    .append("' }}");
        } else {
            result.append(text);
        }
        text.setLength(0);
    }

    private String breaks() {
        String breaks = "\n".repeat(lines);
        lines = 0;
        return breaks;
    }

    /** Returns the code up to {@code end}; braces that close are set apart, or Jinjava ends there. */
    private String code(int end) {
        String code = template.substring(at, end);
        StringBuilder apart = new StringBuilder();
        for (int i = 0; i < code.length(); i = next(code, i)) {
            apart.append(code, i, next(code, i)).append(code.charAt(i) == '}' ? " " : "");
        }
        return apart.toString();
    }

    /** Returns where code ends: at a mark that is in no string and no bracket. */
    private int endOfCode(String mark) {
        int depth = 0;
        for (int i = at; i < template.length(); i = next(template, i)) {
            if (depth == 0 && template.startsWith(mark, i)) {
                return i;
            }
            depth += depth(template.charAt(i));
        }
        throw unreadable("a tag does not end", at);
    }

    /** Returns where a word stands in code, outside of strings and brackets; -1 if nowhere. */
    static int indexOfWord(String code, String word) {
        int depth = 0;
        for (int i = 0; i < code.length(); i = next(code, i)) {
            if (depth == 0 && code.startsWith(word, i) && !isPartOfName(code, i - 1)
                    && !isPartOfName(code, i + word.length())) {
                return i;
            }
            depth += depth(code.charAt(i));
        }
        return -1;
    }

    /** Returns the parts of code between signs that are in no string and no bracket. */
    static List<String> split(String code, char sign) {
        List<String> parts = new ArrayList<>();
        int depth = 0;
        int from = 0;
        for (int i = 0; i < code.length(); i = next(code, i)) {
            if (depth == 0 && code.charAt(i) == sign) {
                parts.add(code.substring(from, i));
                from = i + 1;
            }
            depth += depth(code.charAt(i));
        }
        parts.add(code.substring(from));
        return parts;
    }

    private static boolean isPartOfName(String code, int at) {
        return at >= 0 && at < code.length() && Character.isJavaIdentifierPart(code.charAt(at));
    }

    private static int depth(char character) {
        return switch (character) {
            case '(', '[', '{' -> 1;
            case ')', ']', '}' -> -1;
            default -> 0;
        };
    }

    /** Returns the place after a character, or after the whole string that begins there. */
    private static int next(String code, int at) {
        char quote = code.charAt(at);
        if (quote != '\'' && quote != '"') {
            return at + 1;
        }
        int end = at + 1;
        while (end < code.length() && code.charAt(end) != quote) {
            end += code.charAt(end) == '\\' ? 2 : 1;
        }
        return Math.min(end + 1, code.length());
    }

    private ChatTemplateException unreadable(String what, int position) {
        return ChatTemplateException.unreadable(1 + (int) template.substring(0, position).chars()
                .filter(character -> character == '\n').count(), what);
    }
}
