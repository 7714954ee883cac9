// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.template;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

/** JSON exactly as Python's {@code json.dumps} writes it, with the settings of Hugging Face's {@code tojson}. */
final class PythonJson {
    private final boolean ascii;
    private final boolean sorted;
    /** Empty for everything on one line, which an indentation of no characters is not. */
    private final Optional<String> indent;
    private final String betweenItems;
    private final String afterKey;

    PythonJson(boolean ascii, boolean sorted, @Nullable Object indent, @Nullable Object separators) {
        this.ascii = ascii;
        this.sorted = sorted;
        this.indent = indentation(indent);
        List<?> both = separators instanceof List<?> given && given.size() == 2 ? given
                : List.of(this.indent.isEmpty() ? ", " : ",", ": ");
        this.betweenItems = PythonValues.text(both.get(0));
        this.afterKey = PythonValues.text(both.get(1));
    }

    private static Optional<String> indentation(@Nullable Object indent) {
        if (indent == null || PythonValues.isNone(indent)) {
            return Optional.empty();
        }
        return Optional.of(indent instanceof String text ? text
                : " ".repeat(Math.max(0, PythonValues.number(indent).intValue())));
    }

    String write(@Nullable Object value) {
        StringBuilder json = new StringBuilder();
        write(value, 0, json);
        return json.toString();
    }

    private void write(@Nullable Object value, int depth, StringBuilder json) {
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
                if (!PythonValues.isNone(value)) {
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
        indent.ifPresent(text -> json.append('\n').repeat(text, depth));
    }

    private void string(String text, StringBuilder json) {
        json.append('"');
        for (int i = 0; i < text.length(); i++) {
            char character = text.charAt(i);
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
