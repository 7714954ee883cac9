// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.template;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** JSON exactly as Python's {@code json.dumps} writes it, with the settings of Hugging Face's {@code tojson}. */
final class PythonJson {
    private final boolean ascii;
    private final boolean sorted;
    /** Null for everything on one line. */
    private final String indent;
    private final String betweenItems;
    private final String afterKey;

    PythonJson(boolean ascii, boolean sorted, Object indent, Object separators) {
        this.ascii = ascii;
        this.sorted = sorted;
        this.indent = indent instanceof String text ? text
                : indent == null || indent == PythonValues.NONE ? null
                        : " ".repeat(Math.max(0, PythonValues.number(indent).intValue()));
        List<?> given = separators instanceof List<?> list && list.size() == 2 ? list : null;
        this.betweenItems = given != null ? PythonValues.text(given.get(0)) : this.indent == null ? ", " : ",";
        this.afterKey = given != null ? PythonValues.text(given.get(1)) : ": ";
    }

    String write(Object value) {
        StringBuilder json = new StringBuilder();
        write(value, 0, json);
        return json.toString();
    }

    private void write(Object value, int depth, StringBuilder json) {
        switch (value) {
            case String text -> string(text, json);
            case Boolean bool -> json.append(bool);
            case Double number -> json.append(PythonValues.spelled(number));
            case Number number -> json.append(number);
            case Collection<?> list -> block('[', ']', list.stream(), depth, json,
                    element -> write(element, depth + 1, json));
            case Map<?, ?> map -> {
                Stream<? extends Map.Entry<?, ?>> entries = map.entrySet().stream();
                if (sorted) {
                    entries = entries.sorted((a, b) -> PythonValues.compare(a.getKey(), b.getKey()));
                }
                block('{', '}', entries, depth, json, entry -> {
                    string(PythonValues.text(entry.getKey()), json);
                    json.append(afterKey);
                    write(entry.getValue(), depth + 1, json);
                });
            }
            case null, default -> {
                if (value != PythonValues.NONE) {
                    throw new PythonValues.TemplateFault(PythonValues.kind(value) + " cannot be written as JSON");
                }
                json.append("null");
            }
        }
    }

    private <T> void block(char open, char close, Stream<T> parts, int depth, StringBuilder json,
            java.util.function.Consumer<T> writer) {
        json.append(open);
        int start = json.length();
        parts.forEach(part -> {
            if (json.length() > start) {
                json.append(betweenItems);
            }
            lineBreak(depth + 1, json);
            writer.accept(part);
        });
        if (json.length() > start) {
            lineBreak(depth, json);
        }
        json.append(close);
    }

    private void lineBreak(int depth, StringBuilder json) {
        if (indent != null) {
            json.append('\n').repeat(indent, depth);
        }
    }

    private void string(String text, StringBuilder json) {
        json.append('"');
        for (char character : text.toCharArray()) {
            switch (character) {
                case '"' -> json.append("\\\"");
                case '\\' -> json.append("\\\\");
                case '\n' -> json.append("\\n");
                case '\r' -> json.append("\\r");
                case '\t' -> json.append("\\t");
                case '\b' -> json.append("\\b");
                case '\f' -> json.append("\\f");
                default -> {
                    if (character < ' ' || ascii && character > '~') {
                        json.append("\\u%04x".formatted((int) character));
                    } else {
                        json.append(character);
                    }
                }
            }
        }
        json.append('"');
    }
}
