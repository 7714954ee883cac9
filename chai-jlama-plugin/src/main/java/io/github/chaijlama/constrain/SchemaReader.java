// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

import com.fasterxml.jackson.databind.JsonNode;

/** Reads the values of keywords, and says where one is not what it should be. */
final class SchemaReader {
    /** The types of JSON schema. */
    static final List<String> TYPES = List.of("object", "array", "string", "integer", "number", "boolean", "null");

    private static final int MAX_LIMIT_DIGITS = 40;

    private final JsonNode document;

    SchemaReader(JsonNode document) {
        this.document = document;
    }

    /** Returns a name as a part of a JSON pointer (RFC 6901, section 3). */
    static String escaped(String name) {
        return name.replace("~", "~0").replace("/", "~1");
    }

    /** Returns what to say of a value that should not be there. */
    static String found(JsonNode node) {
        if (node.isMissingNode()) {
            return "nothing";
        }
        String text = node.toString();
        return text.length() <= 60 ? text : text.substring(0, 60) + "...";
    }

    void requireObject(JsonNode schema, String path) {
        if (!schema.isObject()) {
            throw new UnsupportedSchemaException("", path, "must be an object, found " + found(schema));
        }
    }

    List<String> types(JsonNode type, String path) {
        List<String> types = new ArrayList<>();
        for (JsonNode one : type.isArray() ? type : List.of(type)) {
            if (!one.isTextual() || !TYPES.contains(one.textValue())) {
                throw new UnsupportedSchemaException("type", path,
                        "must be of " + String.join(", ", TYPES) + ", found " + found(one));
            }
            types.add(one.textValue());
        }
        if (types.isEmpty()) {
            throw new UnsupportedSchemaException("type", path, "must name at least one type, found []");
        }
        return types;
    }

    static boolean isOfType(JsonNode value, String type) {
        return switch (type) {
            case "object" -> value.isObject();
            case "array" -> value.isArray();
            case "string" -> value.isTextual();
            case "integer" -> isFinite(value) && isWhole(value.decimalValue());
            case "number" -> isFinite(value);
            case "boolean" -> value.isBoolean();
            default -> value.isNull();
        };
    }

    /** Whether it is a number; 1e999 is read as infinite unless the mapper was told to keep all digits. */
    private static boolean isFinite(JsonNode value) {
        return value.isNumber()
                && (value.isBigDecimal() || Double.isFinite(value.doubleValue()) || value.isBigInteger());
    }

    private static boolean isWhole(BigDecimal value) {
        return value.stripTrailingZeros().scale() <= 0;
    }

    List<JsonNode> values(JsonNode values, String path) {
        if (!values.isArray() || values.isEmpty()) {
            throw new UnsupportedSchemaException("enum", path,
                    "must be a list of at least one value, found " + found(values));
        }
        List<JsonNode> list = new ArrayList<>();
        values.forEach(list::add);
        return list;
    }

    /** Returns a value as JSON. */
    String text(JsonNode value, String keyword, String path) {
        String text = value.toString();
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
            throw new UnsupportedSchemaException(keyword, path,
                    "must have whole characters, found half of a surrogate pair");
        }
        return text;
    }

    Set<String> names(JsonNode schema, String keyword, String path) {
        Set<String> names = new LinkedHashSet<>();
        JsonNode list = schema.path(keyword);
        if (schema.has(keyword) && !list.isArray()) {
            throw new UnsupportedSchemaException(keyword, path, "must be a list of names, found " + found(list));
        }
        for (JsonNode name : list) {
            if (!name.isTextual()) {
                throw new UnsupportedSchemaException(keyword, path, "must be a list of names, found " + found(name));
            }
            names.add(name.textValue());
        }
        return names;
    }

    /** Returns a number of characters or items, {@code absent} if the schema says none. */
    int count(JsonNode schema, String keyword, int absent, String path) {
        JsonNode count = schema.path(keyword);
        if (count.isMissingNode()) {
            return absent;
        }
        if (!isFinite(count) || !isWhole(count.decimalValue()) || count.decimalValue().signum() < 0) {
            throw new UnsupportedSchemaException(keyword, path,
                    "must be a whole number of 0 or more, found " + found(count));
        }
        return count.decimalValue().min(BigDecimal.valueOf(Integer.MAX_VALUE)).intValue();
    }

    /**
     * Returns the integers that a schema allows. Where it says no limit they stay within 32 bits, which is what fields
     * of most programs hold, unless the limit on the other side lies beyond that.
     */
    IntegerBody integer(JsonNode schema, String path) {
        BigInteger low = limit(schema, "minimum", RoundingMode.CEILING, path, -IntegerBody.MAX);
        BigInteger high = limit(schema, "maximum", RoundingMode.FLOOR, path, IntegerBody.MAX);
        low = low.max(limit(schema, "exclusiveMinimum", RoundingMode.FLOOR, path, -IntegerBody.MAX - 1)
                .add(BigInteger.ONE));
        high = high.min(limit(schema, "exclusiveMaximum", RoundingMode.CEILING, path, IntegerBody.MAX + 1)
                .subtract(BigInteger.ONE));
        low = low.max(BigInteger.valueOf(-IntegerBody.MAX));
        high = high.min(BigInteger.valueOf(IntegerBody.MAX));
        BigInteger smallest = BigInteger.valueOf(Integer.MIN_VALUE);
        BigInteger largest = BigInteger.valueOf(Integer.MAX_VALUE);
        if (!schema.has("minimum") && !schema.has("exclusiveMinimum") && high.compareTo(smallest) >= 0) {
            low = smallest;
        }
        if (!schema.has("maximum") && !schema.has("exclusiveMaximum") && low.compareTo(largest) <= 0) {
            high = largest;
        }
        return low.compareTo(high) > 0 ? IntegerBody.NONE
                : new IntegerBody(low.longValueExact(), high.longValueExact());
    }

    private static BigInteger limit(JsonNode schema, String keyword, RoundingMode rounding, String path, long absent) {
        JsonNode limit = schema.path(keyword);
        if (limit.isMissingNode()) {
            return BigInteger.valueOf(absent);
        }
        if (!isFinite(limit)) {
            throw new UnsupportedSchemaException(keyword, path, "must be a finite number, found " + found(limit));
        }
        BigDecimal value = limit.decimalValue();
        int digits = value.precision() - value.scale(); // before the point
        if (digits > MAX_LIMIT_DIGITS || digits < 0) {
            // Rounding 1e999999999 would take forever, and any number beyond those that are written does as well.
            value = new BigDecimal(BigInteger.valueOf(value.signum()), digits < 0 ? 1 : -MAX_LIMIT_DIGITS);
        }
        return value.setScale(0, rounding).toBigInteger();
    }

    /** Returns the JSON pointer of a reference within the schema. */
    String reference(JsonNode reference, String path) {
        String text = reference.asText();
        if (!reference.isTextual() || !text.equals("#") && !text.startsWith("#/")) {
            throw new UnsupportedSchemaException("$ref", path,
                    "must point into the schema itself ('#' or '#/...'), found " + found(reference));
        }
        String pointer;
        try {
            pointer = URLDecoder.decode(text.substring(1).replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw new UnsupportedSchemaException("$ref", path, "must be a JSON pointer, found " + found(reference));
        }
        if (at(pointer).isMissingNode()) {
            throw new UnsupportedSchemaException("$ref", path, "points to nothing, found " + found(reference));
        }
        return pointer;
    }

    JsonNode at(String pointer) {
        return document.at(pointer);
    }
}
