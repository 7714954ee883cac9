// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.template;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * A Jinja template that gives the text Hugging Face's renderer gives. What it cannot do is an error, not another text,
 * with the few exceptions that {@code unsupported.txt} of the tests names. Thread-safe.
 */
public final class JinjaTemplate {
    private final String prepared;

    private JinjaTemplate(String prepared) {
        this.prepared = prepared;
    }

    /**
     * Reads a template.
     *
     * @throws ChatTemplateException if its parts cannot be told apart
     */
    public static JinjaTemplate parse(String source) {
        return new JinjaTemplate(TemplateWhitespace.asHuggingFace(source));
    }

    /**
     * Renders the template.
     *
     * @param variables texts, numbers, booleans, lists and maps of them by name; what is absent is Python's None
     * @throws ChatTemplateException if the template refuses them or cannot be rendered
     */
    public String render(Map<String, ? extends @Nullable Object> variables) {
        Map<String, Object> values = new LinkedHashMap<>();
        variables.forEach((name, value) -> values.put(name, withNone(value)));
        return TemplateEngine.renderChat(prepared, values);
    }

    /** Returns a text as Python's {@code strip()}, and with it Jinja's {@code trim}, leaves it. */
    public static String strip(String text) {
        return PythonMethods.strip(text, null, true, true);
    }

    /** Returns a value as Hugging Face's {@code tojson} writes it, on one line. */
    public static String json(Object value) {
        return new PythonJson(false, false, null, null).write(withNone(value));
    }

    /** Inside the engine, what is absent is not defined. */
    private static Object withNone(@Nullable Object value) {
        return switch (value) {
            case null -> PythonValues.NONE;
            case Map<?, ?> map -> {
                Map<Object, Object> values = new LinkedHashMap<>();
                map.forEach((key, element) -> values.put(key, withNone(element)));
                yield values;
            }
            case List<?> list -> {
                List<Object> values = new ArrayList<>();
                list.forEach(element -> values.add(withNone(element)));
                yield values;
            }
            default -> value;
        };
    }
}
