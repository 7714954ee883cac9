// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.TextNode;

/** Turns a JSON schema into what an answer may be. One instance for a schema. */
final class SchemaCompiler {
    private static final Set<String> ANNOTATIONS = Set.of("title", "description", "default", "examples", "$schema",
            "$id", "$comment", "deprecated", "readOnly", "writeOnly", "$defs", "definitions");
    private static final Set<String> SUPPORTED = Set.of("type", "properties", "required", "additionalProperties",
            "items", "prefixItems", "minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum",
            "exclusiveMinimum", "exclusiveMaximum", "enum", "const", "anyOf", "allOf", "$ref");
    /** What keywords are about, for schemas that do not say a type. */
    private static final Map<String, String> TYPE_OF_KEYWORD = Map.of("properties", "object", "required", "object",
            "additionalProperties", "object", "items", "array", "prefixItems", "array", "minItems", "array", "maxItems",
            "array", "minLength", "string", "maxLength", "string");
    private static final List<String> LIMITS = List.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum");

    private final SchemaReader reader;
    private final Map<String, SchemaNode.Union> byPath = new HashMap<>();
    private final List<SchemaNode> nodes = new ArrayList<>();

    private SchemaCompiler(JsonNode document) {
        this.reader = new SchemaReader(document);
    }

    /**
     * Compiles a schema.
     *
     * @throws UnsupportedSchemaException if it says something that is not supported, is broken, or allows no finite
     *                                    value
     */
    static SchemaNode compile(JsonNode document) {
        SchemaCompiler compiler = new SchemaCompiler(document);
        SchemaNode root = compiler.node(document, "");
        compiler.measure();
        if (root.shortest() >= Frame.NEVER) {
            throw new UnsupportedSchemaException("", "",
                    "allows no value: what it requires contradicts itself or contains itself without end");
        }
        return root;
    }

    /**
     * Finds the shortest values: shorter ones become known until all are, from the leaves up, which were added last.
     */
    private void measure() {
        boolean changed = true;
        while (changed) {
            changed = false;
            for (int i = nodes.size() - 1; i >= 0; i--) {
                changed |= nodes.get(i).measure();
            }
        }
    }

    private <N extends SchemaNode> N add(N node) {
        nodes.add(node);
        return node;
    }

    /** Returns the node of a schema; the same one for the same place, which ends recursion. */
    private SchemaNode node(JsonNode schema, String path) {
        SchemaNode.Union known = byPath.get(path);
        if (known != null) {
            return known;
        }
        SchemaNode.Union node = add(new SchemaNode.Union());
        byPath.put(path, node);
        return node.of(alternatives(schema, path));
    }

    private SchemaNode[] alternatives(JsonNode schema, String path) {
        if (schema.isBoolean()) {
            return schema.booleanValue() ? new SchemaNode[]{ any() } : new SchemaNode[0];
        }
        reader.requireObject(schema, path);
        requireSupported(schema, path);
        if (schema.has("$ref")) {
            requireAlone(schema, path, "$ref", Set.of());
            String target = reader.reference(schema.get("$ref"), path);
            return new SchemaNode[]{ node(reader.at(target), target) };
        }
        for (String combination : List.of("anyOf", "allOf")) {
            if (schema.has(combination)) {
                requireAlone(schema, path, combination, Set.of());
                return combination(schema.get(combination), combination, path);
            }
        }
        if (schema.has("enum") || schema.has("const")) {
            return new SchemaNode[]{ literals(schema, path) };
        }
        List<SchemaNode> alternatives = new ArrayList<>();
        for (String type : types(schema, path)) {
            alternatives.add(ofType(type, schema, path));
        }
        return alternatives.isEmpty() ? new SchemaNode[]{ any() } : alternatives.toArray(SchemaNode[]::new);
    }

    private static void requireSupported(JsonNode schema, String path) {
        for (Iterator<String> names = schema.fieldNames(); names.hasNext();) {
            String name = names.next();
            if (!ANNOTATIONS.contains(name) && !SUPPORTED.contains(name)) {
                throw new UnsupportedSchemaException(name, path, "is not supported");
            }
        }
    }

    private static void requireAlone(JsonNode schema, String path, String keyword, Set<String> companions) {
        for (Iterator<String> names = schema.fieldNames(); names.hasNext();) {
            String name = names.next();
            if (!name.equals(keyword) && !ANNOTATIONS.contains(name) && !companions.contains(name)) {
                throw new UnsupportedSchemaException(name, path, "is not supported beside '" + keyword + "'");
            }
        }
    }

    private SchemaNode[] combination(JsonNode schemas, String keyword, String path) {
        if (!schemas.isArray() || schemas.isEmpty()) {
            throw new UnsupportedSchemaException(keyword, path,
                    "must be a list of at least one schema, found " + SchemaReader.found(schemas));
        }
        if (keyword.equals("allOf") && schemas.size() > 1) {
            throw new UnsupportedSchemaException(keyword, path, "is supported with one schema only, found "
                    + schemas.size());
        }
        SchemaNode[] alternatives = new SchemaNode[schemas.size()];
        for (int i = 0; i < alternatives.length; i++) {
            alternatives[i] = node(schemas.get(i), path + "/" + keyword + "/" + i);
        }
        return alternatives;
    }

    private SchemaNode literals(JsonNode schema, String path) {
        String keyword = schema.has("enum") ? "enum" : "const";
        requireAlone(schema, path, keyword, Set.of("type"));
        List<String> types = schema.has("type") ? reader.types(schema.get("type"), path) : SchemaReader.TYPES;
        List<JsonNode> values = schema.has("const") ? List.of(schema.get("const"))
                : reader.values(schema.get("enum"), path);
        Set<String> texts = new LinkedHashSet<>();
        for (JsonNode value : values) {
            if (types.stream().anyMatch(type -> SchemaReader.isOfType(value, type))) {
                texts.add(reader.text(value, keyword, path));
            }
        }
        return add(new SchemaNode.Sequence(LiteralChoice.of(texts)));
    }

    private List<String> types(JsonNode schema, String path) {
        if (schema.has("type")) {
            return reader.types(schema.get("type"), path);
        }
        for (String limit : LIMITS) {
            if (schema.has(limit)) {
                throw new UnsupportedSchemaException(limit, path, "is supported beside 'type': 'integer' only");
            }
        }
        Set<String> implied = new LinkedHashSet<>();
        schema.fieldNames().forEachRemaining(name -> {
            if (TYPE_OF_KEYWORD.containsKey(name)) {
                implied.add(TYPE_OF_KEYWORD.get(name));
            }
        });
        return List.copyOf(implied);
    }

    private SchemaNode ofType(String type, JsonNode schema, String path) {
        return switch (type) {
            case "object" -> object(schema, path);
            case "array" -> list(schema, path);
            case "string" -> string(schema, path);
            case "integer" -> add(new SchemaNode.Sequence(reader.integer(schema, path)));
            case "number" -> number(schema, path);
            case "boolean" -> add(new SchemaNode.Sequence(LiteralChoice.of(List.of("true", "false"))));
            default -> add(new SchemaNode.Sequence(Literal.of("null")));
        };
    }

    private SchemaNode number(JsonNode schema, String path) {
        for (String limit : LIMITS) {
            if (schema.has(limit)) {
                throw new UnsupportedSchemaException(limit, path, "is supported for integers only, not for numbers");
            }
        }
        return add(new SchemaNode.Sequence(NumberBody.START));
    }

    private SchemaNode string(JsonNode schema, String path) {
        int minLength = reader.count(schema, "minLength", 0, path);
        int maxLength = reader.count(schema, "maxLength", -1, path);
        return maxLength >= 0 && minLength > maxLength ? add(new SchemaNode.Union())
                : add(new SchemaNode.Sequence(Literal.of("\""), StringBody.of(minLength, maxLength, true)));
    }

    private SchemaNode list(JsonNode schema, String path) {
        int minItems = reader.count(schema, "minItems", 0, path);
        int maxItems = reader.count(schema, "maxItems", -1, path);
        JsonNode prefix = schema.path("prefixItems");
        if (schema.has("prefixItems") && !prefix.isArray()) {
            throw new UnsupportedSchemaException("prefixItems", path,
                    "must be a list of schemas, found " + SchemaReader.found(prefix));
        }
        SchemaNode[] first = new SchemaNode[prefix.size()];
        for (int i = 0; i < first.length; i++) {
            first[i] = node(prefix.get(i), path + "/prefixItems/" + i);
        }
        if (schema.path("items").isArray()) {
            throw new UnsupportedSchemaException("items", path,
                    "is supported as one schema only, found a list; 'prefixItems' is its name since draft 2020-12");
        }
        SchemaNode others = schema.has("items") ? node(schema.get("items"), path + "/items") : any();
        return add(new SchemaNode.ListNode(first, others, minItems, maxItems));
    }

    private SchemaNode object(JsonNode schema, String path) {
        JsonNode declared = schema.path("properties");
        if (schema.has("properties")) {
            reader.requireObject(declared, path + "/properties");
        }
        Set<String> required = reader.names(schema, "required", path);
        // Whoever lists properties wants those; others must be asked for. Both are what the schema allows.
        boolean open = schema.has("additionalProperties") || !schema.has("properties");
        SchemaNode others = schema.has("additionalProperties")
                ? node(schema.get("additionalProperties"), path + "/additionalProperties")
                : any();
        Map<String, SchemaNode> values = new LinkedHashMap<>();
        declared.properties().forEach(property -> values.put(property.getKey(),
                node(property.getValue(), path + "/properties/" + SchemaReader.escaped(property.getKey()))));
        required.forEach(name -> values.putIfAbsent(name, others));
        List<SchemaNode.Property> properties = new ArrayList<>();
        values.forEach((name, value) -> properties.add(new SchemaNode.Property(
                Literal.of(reader.text(TextNode.valueOf(name), "properties", path) + ":"), value,
                required.contains(name))));
        return add(new SchemaNode.ObjectNode(properties.toArray(SchemaNode.Property[]::new),
                NewKey.otherThan(values.keySet()), open ? others : add(new SchemaNode.Union())));
    }

    /** Any JSON value. */
    private SchemaNode any() {
        SchemaNode.Union known = byPath.get("any");
        if (known != null) {
            return known;
        }
        SchemaNode.Union any = add(new SchemaNode.Union());
        byPath.put("any", any); // no path: those begin with a slash
        JsonNode everything = JsonNodeFactory.instance.objectNode().set("additionalProperties", BooleanNode.TRUE);
        return any.of(SchemaReader.TYPES.stream().filter(type -> !type.equals("integer"))
                .map(type -> ofType(type, everything, "any")).toArray(SchemaNode[]::new));
    }
}
