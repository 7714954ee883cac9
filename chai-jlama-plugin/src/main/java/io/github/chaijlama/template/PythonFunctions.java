// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.template;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import io.github.chaijlama.template.PythonValues.TemplateFault;

/** The functions that Jinja gives every template, as far as Jinjava has them not or differently. */
final class PythonFunctions {
    private static final Set<String> NAMES = Set.of("dict", "cycler", "joiner", "lipsum");

    private PythonFunctions() {}

    /** Whether a name stands for one of these functions, where no macro has it. */
    static boolean exists(String name) {
        return NAMES.contains(name);
    }

    /**
     * Returns what a function returns. There is no use here for what {@code lipsum} makes up, and no way to call what
     * {@code joiner} returns.
     */
    static Object call(String name, PythonArguments arguments) {
        return switch (name) {
            case "dict" -> dict(arguments);
            case "cycler" -> new Cycler(arguments.all());
            default -> throw new TemplateFault("the function '" + name + "' is not supported");
        };
    }

    private static Map<Object, @Nullable Object> dict(PythonArguments arguments) {
        Map<Object, @Nullable Object> result = new LinkedHashMap<>();
        Object first = arguments.get(0, "");
        if (first instanceof Map<?, ?> map) {
            map.forEach(result::put);
        } else if (!arguments.all().isEmpty()) {
            for (Object pair : PythonValues.elements(first)) {
                List<?> parts = PythonValues.elements(pair);
                if (parts.size() != 2) {
                    throw new TemplateFault("'dict' wants pairs, found " + parts.size() + " values");
                }
                result.put(PythonValues.text(parts.get(0)), parts.get(1));
            }
        }
        result.putAll(arguments.named());
        return result;
    }

    /** Values that come one after another, and again. */
    static final class Cycler {
        private final List<@Nullable Object> values;
        private int at;

        Cycler(List<@Nullable Object> values) {
            if (values.isEmpty()) {
                throw new TemplateFault("'cycler' has nothing to choose from");
            }
            this.values = values;
        }

        @Nullable Object current() {
            return values.get(at);
        }

        @Nullable Object next() {
            Object value = current();
            at = (at + 1) % values.size();
            return value;
        }

        Object reset() {
            at = 0;
            return PythonValues.NONE;
        }
    }
}
