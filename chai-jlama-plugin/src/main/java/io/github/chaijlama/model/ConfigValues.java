// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** The values of a JSON file, checked as they are read: what is wrong is named with what was expected and found. */
public final class ConfigValues {
    /** Far above any model; it only keeps an absurd value from overflowing a product of two sizes. */
    static final int MAX_SIZE = 1 << 24;
    private static final int MAX_COUNT = 10_000;
    private static final int MAX_LAYERS = 1000;
    private static final int VECTOR_LENGTH = 32;

    private final Path file;
    private final JsonNode values;
    /** What somebody has asked for. */
    private final Set<String> asked = new HashSet<>();

    ConfigValues(Path file, JsonNode values) {
        this.file = file;
        this.values = values;
    }

    private JsonNode node(String key) {
        asked.add(key);
        return values.path(key);
    }

    /**
     * Refuses values that say something and that nobody has asked for: null, false, 0, 1 and what is empty say nothing.
     *
     * @param keys under which values change what a model computes
     * @throws ModelLoadException if there is one
     */
    void refuseUnasked(List<String> keys) {
        for (String key : keys) {
            JsonNode node = values.path(key);
            boolean saysNothing = node.isMissingNode() || node.isNull() || node.isBoolean() && !node.booleanValue()
                    || node.isNumber() && (node.doubleValue() == 0 || node.doubleValue() == 1)
                    || node.isContainerNode() && node.isEmpty();
            if (!saysNothing && !asked.contains(key)) {
                throw refused(key, "'" + key + "' is not supported here, found " + Excerpt.of(node));
            }
        }
    }

    /** Returns the file, for messages. */
    Path file() {
        return file;
    }

    /** Whether a key is there and not null. */
    boolean has(String key) {
        return !node(key).isMissingNode() && !node(key).isNull();
    }

    /** Whether there is nothing here. */
    boolean isEmpty() {
        return values.isEmpty();
    }

    /** Whether a key is there and null, which for some keys is not the same as missing. */
    boolean isNull(String key) {
        return node(key).isNull();
    }

    /** Returns an object inside, empty if there is none. */
    ConfigValues object(String key) {
        JsonNode node = node(key);
        if (has(key) && !node.isObject()) {
            throw bad(key, "an object", node);
        }
        return new ConfigValues(file, node);
    }

    /** Returns the objects inside an object, in their order. */
    List<ConfigValues> objects(String key) {
        List<ConfigValues> objects = new ArrayList<>();
        object(key).values.properties().forEach(entry -> objects.add(object(key).object(entry.getKey())));
        return objects;
    }

    /**
     * Returns the object of a layer inside an object that has some under their numbers, empty if it has none.
     *
     * @throws ModelLoadException if a key is not the number of a layer
     */
    ConfigValues ofLayer(String key, int layer, int layers) {
        ConfigValues found = new ConfigValues(file, MissingNode.getInstance());
        for (String number : object(key).keys()) {
            if (!number.matches("\\d{1,4}") || Integer.parseInt(number) >= layers) {
                throw bad(key, "an object with numbers of layers, 0 to " + (layers - 1));
            }
            if (Integer.parseInt(number) == layer) {
                found = object(key).object(number);
            }
        }
        return found;
    }

    /** Returns the keys there are. */
    List<String> keys() {
        return values.properties().stream().map(Map.Entry::getKey).toList();
    }

    /** Returns these values with those of others under some keys, where the others have one. */
    ConfigValues with(ConfigValues others, List<String> keys) {
        ObjectNode merged = ((ObjectNode) values).deepCopy();
        keys.stream().filter(others::has).forEach(key -> merged.set(key, others.node(key)));
        return new ConfigValues(file, merged);
    }

    /** Returns these values with a flag. */
    ConfigValues withFlag(String key, boolean flag) {
        return new ConfigValues(file, ((ObjectNode) values).deepCopy().put(key, flag));
    }

    int size(String key) {
        JsonNode node = node(key);
        if (!node.isIntegralNumber() || !node.canConvertToInt() || node.intValue() < 1 || node.intValue() > MAX_SIZE) {
            throw bad(key, "a whole number from 1 to " + MAX_SIZE, node);
        }
        return node.intValue();
    }

    /** Returns a number of parts that are kept in a list each. */
    int count(String key) {
        int count = size(key);
        if (count > MAX_COUNT) {
            throw bad(key, "a whole number from 1 to " + MAX_COUNT);
        }
        return count;
    }

    /** Returns the number of layers: each is described before its tensors are looked for. */
    int layers(String key) {
        int layers = size(key);
        if (layers > MAX_LAYERS) {
            throw bad(key, "a whole number from 1 to " + MAX_LAYERS);
        }
        return layers;
    }

    /** Returns a number of parts that may be 0. */
    int countOrNone(String key, int defaultValue) {
        return node(key).isIntegralNumber() && node(key).intValue() == 0 ? 0 : size(key, defaultValue);
    }

    int size(String key, int defaultValue) {
        return has(key) ? size(key) : defaultValue;
    }

    /** Returns a number above 0. */
    double number(String key, double defaultValue) {
        JsonNode node = node(key);
        if (!has(key)) {
            return defaultValue;
        }
        // Checked as the 32-bit float it will be: neither 0 nor infinite then.
        float value = node.floatValue();
        if (!node.isNumber() || !(value > 0) || Float.isInfinite(value)) {
            throw bad(key, "a number above 0", node);
        }
        return node.doubleValue();
    }

    /** Returns a number above 0 that must be there. */
    double number(String key) {
        if (!has(key)) {
            throw bad(key, "a number above 0", node(key));
        }
        return number(key, 0);
    }

    /** Returns a number of 0 or more; 0 if it is not there. */
    double numberOrNone(String key) {
        return node(key).isNumber() && node(key).doubleValue() == 0 ? 0 : number(key, 0);
    }

    /** Returns a list of numbers above 0. */
    List<Double> numbers(String key) {
        JsonNode node = node(key);
        List<Double> numbers = new ArrayList<>();
        for (JsonNode number : node) {
            if (!number.isNumber() || !(number.floatValue() > 0) || Float.isInfinite(number.floatValue())) {
                throw bad(key, "a list of numbers above 0", node);
            }
            numbers.add(number.doubleValue());
        }
        if (!node.isArray() || numbers.isEmpty()) {
            throw bad(key, "a list of numbers above 0", node);
        }
        return numbers;
    }

    /** Returns a list of whole numbers of 0 or more, empty if it is not there. */
    List<Integer> wholeNumbers(String key) {
        JsonNode node = node(key);
        List<Integer> numbers = new ArrayList<>();
        if (!has(key)) {
            return numbers;
        }
        for (JsonNode number : node) {
            if (!number.isIntegralNumber() || !number.canConvertToInt() || number.intValue() < 0) {
                throw bad(key, "a list of whole numbers", node);
            }
            numbers.add(number.intValue());
        }
        if (!node.isArray()) {
            throw bad(key, "a list of whole numbers", node);
        }
        return numbers;
    }

    String text(String key, String defaultValue) {
        JsonNode node = node(key);
        if (!has(key)) {
            return defaultValue;
        }
        if (!node.isTextual()) {
            throw bad(key, "a string", node);
        }
        return node.textValue();
    }

    String text(String key) {
        if (!has(key)) {
            throw bad(key, "a string", node(key));
        }
        return text(key, "");
    }

    boolean flag(String key, boolean defaultValue) {
        JsonNode node = node(key);
        if (has(key) && !node.isBoolean()) {
            throw bad(key, "true or false", node);
        }
        return has(key) ? node.booleanValue() : defaultValue;
    }

    /**
     * Whether a layer's sliding window is used: {@code layer_types} says, or else the family's rule.
     *
     * @param rule what the family does where the configuration has no {@code layer_types}
     */
    boolean slides(int layer, boolean rule) {
        String key = "layer_types";
        if (!has(key)) {
            return rule;
        }
        if (!node(key).path(layer).isTextual()) {
            throw bad(key, "a list with a string for each layer");
        }
        return switch (node(key).path(layer).textValue()) {
            case "sliding_attention" -> true;
            case "full_attention" -> false;
            default -> throw bad(key, "a list of sliding_attention and full_attention");
        };
    }

    /** Returns a token, if there is one. */
    OptionalInt token(String key, int vocabularySize) {
        JsonNode node = node(key);
        return has(key) && !isNone(node) ? OptionalInt.of(token(key, node, vocabularySize)) : OptionalInt.empty();
    }

    /** Returns tokens: one, several, or none. */
    List<Integer> tokens(String key, int vocabularySize) {
        JsonNode node = node(key);
        if (!has(key)) {
            return List.of();
        }
        List<Integer> tokens = new ArrayList<>();
        for (JsonNode token : node.isArray() ? node : List.of(node)) {
            if (!isNone(token)) {
                tokens.add(token(key, token, vocabularySize));
            }
        }
        return List.copyOf(tokens);
    }

    /** Some files say -1 for no token. */
    private static boolean isNone(JsonNode token) {
        return token.isIntegralNumber() && token.asLong() == -1;
    }

    private int token(String key, JsonNode node, int vocabularySize) {
        if (!node.isIntegralNumber() || !node.canConvertToInt()) {
            throw bad(key, "a token", node);
        }
        int token = node.intValue();
        if (token < 0 || token >= vocabularySize) {
            throw refused("'" + key + "' must be a token from 0 to " + (vocabularySize - 1) + ", found " + token);
        }
        return token;
    }

    /**
     * Checks that a length fits the dot products of every choice of operators: Jlama's read whole vectors, and leave
     * out, silently, what fills none.
     */
    int vectorLength(String what, int length) {
        if (length % VECTOR_LENGTH != 0) {
            throw refused(what + " must be a multiple of " + VECTOR_LENGTH + ", found " + length);
        }
        return length;
    }

    /** Returns an exception that says what was expected under a key. */
    ModelLoadException bad(String key, String expected) {
        return bad(key, expected, node(key));
    }

    private ModelLoadException bad(String key, String expected, JsonNode found) {
        return refused(key, "'" + key + "' must be " + expected + ", found " + Excerpt.of(found));
    }

    /** Returns an exception about a key of this file. */
    ModelLoadException refused(String key, String message) {
        return ModelLoadException.ofKey(key, file + ": " + message);
    }

    /** Returns an exception about this file. */
    ModelLoadException refused(String message) {
        return new ModelLoadException(file + ": " + message);
    }
}
