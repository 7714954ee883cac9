// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

/**
 * The fields of an object in a request. What has the wrong type or value is an error that names the field; null is as
 * good as nothing.
 *
 * @param path where the object is in the request, empty or with a dot at its end
 */
record Fields(ObjectNode node, String path) {

    /** Returns the fields of an object that must be one. */
    static Fields of(JsonNode node, String path) {
        if (node instanceof ObjectNode object) {
            return new Fields(object, path + ".");
        }
        throw wrong(path, "an object", node);
    }

    /** Returns a field's value, null for none. */
    @Nullable JsonNode get(String name) {
        JsonNode value = node.get(name);
        return value == null || value.isNull() ? null : value;
    }

    boolean has(String name) {
        return get(name) != null;
    }

    /** Returns the name of a field as errors have it. */
    String path(String name) {
        return path + name;
    }

    JsonNode required(String name) {
        JsonNode value = get(name);
        if (value == null) {
            throw OpenAiException.invalid(400, path(name), "missing_required_parameter",
                    "'" + path(name) + "' is missing");
        }
        return value;
    }

    String requiredText(String name) {
        required(name);
        return text(name).orElseThrow();
    }

    Optional<String> text(String name) {
        JsonNode value = get(name);
        if (value != null && !value.isTextual()) {
            throw wrong(path(name), "a string", value);
        }
        return Optional.ofNullable(value).map(JsonNode::textValue);
    }

    @Nullable Double number(String name, double min, double max) {
        JsonNode value = get(name);
        if (value == null) {
            return null;
        }
        double number = value.asDouble(Double.NaN);
        if (!value.isNumber() || !(number >= min && number <= max)) {
            throw wrong(path(name), "a number from " + plain(min) + " to " + plain(max), value);
        }
        return number;
    }

    private static String plain(double number) {
        return number == Math.rint(number) ? Long.toString((long) number) : Double.toString(number);
    }

    @Nullable Integer count(String name) {
        JsonNode value = get(name);
        if (value == null) {
            return null;
        }
        if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 1) {
            throw wrong(path(name), "a whole number of at least 1", value);
        }
        return value.intValue();
    }

    @Nullable Long wholeNumber(String name) {
        JsonNode value = get(name);
        if (value == null) {
            return null;
        }
        if (!value.isIntegralNumber() || !value.canConvertToLong()) {
            throw wrong(path(name), "a whole number of 64 bits", value);
        }
        return value.longValue();
    }

    boolean flag(String name, boolean otherwise) {
        JsonNode value = get(name);
        if (value == null) {
            return otherwise;
        }
        if (!value.isBoolean()) {
            throw wrong(path(name), "true or false", value);
        }
        return value.booleanValue();
    }

    /** Returns a list of texts, or one text as a list of it; empty for none. */
    List<String> texts(String name) {
        JsonNode value = get(name);
        if (value == null) {
            return List.of();
        }
        if (value.isTextual()) {
            return List.of(value.textValue());
        }
        List<String> texts = new ArrayList<>();
        list(name).forEach(text -> {
            if (!text.isTextual()) {
                throw wrong(path(name), "a string or a list of strings", value);
            }
            texts.add(text.textValue());
        });
        return texts;
    }

    /** Returns a list, empty for none. */
    List<JsonNode> list(String name) {
        JsonNode value = get(name);
        if (value == null) {
            return List.of();
        }
        if (!value.isArray()) {
            throw wrong(path(name), "a list", value);
        }
        List<JsonNode> elements = new ArrayList<>();
        value.forEach(elements::add);
        return elements;
    }

    /** Refuses a field unless it says what is done anyway. */
    void refuse(String name, String expected, Predicate<JsonNode> harmless) {
        JsonNode value = get(name);
        if (value != null && !harmless.test(value)) {
            throw OpenAiException.unsupported(path(name), "'" + path(name) + "' is not supported here: expected "
                    + expected + ", found " + Json.shown(value));
        }
    }

    static OpenAiException wrong(String path, String expected, JsonNode found) {
        return OpenAiException.wrong(path,
                "'" + path + "' must be " + expected + ", found " + Json.shown(found));
    }
}
