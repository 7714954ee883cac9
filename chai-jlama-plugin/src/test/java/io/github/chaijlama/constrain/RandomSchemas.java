// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import java.util.List;
import java.util.SplittableRandom;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** Random schemas with everything that is supported: nested, recursive, with choices and limits. */
final class RandomSchemas {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final List<String> WORDS = List.of("name", "animal", "naïve", "a\"b", "back\\slash", "文字", "x",
            "",
            "namesake", "home", "line\nbreak", "emoji😀", "42", "true");

    private final SplittableRandom random;

    RandomSchemas(int seed) {
        this.random = new SplittableRandom(seed);
    }

    /** A schema with definitions that refer to each other, always with a way out. */
    ObjectNode next() {
        ObjectNode schema = random.nextInt(4) == 0 ? schema(3) : object(3, null);
        ObjectNode definitions = schema.putObject("$defs");
        definitions.set("tree", object(1, "tree"));
        definitions.set("pair",
                JSON.objectNode().set("anyOf", JSON.arrayNode().add(JSON.objectNode().put("type", "null"))
                        .add(object(1, "pair")).add(JSON.objectNode().put("$ref", "#/$defs/tree"))));
        return schema.put("$schema", "https://json-schema.org/draft/2020-12/schema").put("title", "random");
    }

    private ObjectNode schema(int depth) {
        ObjectNode node = JSON.objectNode();
        switch (random.nextInt(depth == 0 ? 7 : 12)) {
            case 0 -> limits(node.put("type", "string"), "minLength", "maxLength", 6);
            case 1 -> {
                node.put("type", "integer");
                integerLimits(node);
            }
            case 2 -> node.put("type", "number");
            case 3 -> node.put("type", random.nextBoolean() ? "boolean" : "null");
            case 4 -> enumeration(node);
            case 5 -> node.set("const", JSON.textNode(word()));
            case 6 -> node.set("type", JSON.arrayNode().add("string").add("null").add("integer"));
            case 7 -> list(node, depth);
            case 8 -> {
                ArrayNode alternatives = node.putArray("anyOf");
                for (int i = random.nextInt(1, 4); i > 0; i--) {
                    alternatives.add(schema(depth - 1));
                }
            }
            case 9 -> node.put("$ref", random.nextBoolean() ? "#/$defs/tree" : "#/$defs/pair");
            default -> node = object(depth, null);
        }
        return node;
    }

    private String word() {
        return WORDS.get(random.nextInt(WORDS.size()));
    }

    private void enumeration(ObjectNode node) {
        ArrayNode values = node.putArray("enum");
        for (int i = random.nextInt(1, 6); i > 0; i--) {
            switch (random.nextInt(5)) {
                case 0 -> values.add(random.nextInt(-20, 200));
                case 1 -> values.add(random.nextInt(1000) / 8.0);
                case 2 -> values.add(random.nextBoolean());
                case 3 -> values.addNull();
                default -> values.add(word());
            }
        }
    }

    private void limits(ObjectNode node, String low, String high, int most) {
        int least = random.nextInt(most);
        if (random.nextBoolean()) {
            node.put(low, least);
        }
        if (random.nextBoolean()) {
            node.put(high, least + random.nextInt(most));
        }
    }

    private void integerLimits(ObjectNode node) {
        long low = random.nextLong(-1200, 1200);
        if (random.nextBoolean()) {
            node.put(random.nextBoolean() ? "minimum" : "exclusiveMinimum", low);
        }
        if (random.nextBoolean()) {
            node.put(random.nextBoolean() ? "maximum" : "exclusiveMaximum", low + 2 + random.nextInt(1500));
        }
    }

    private void list(ObjectNode node, int depth) {
        limits(node.put("type", "array"), "minItems", "maxItems", 3);
        if (random.nextInt(4) > 0) {
            node.set("items", schema(depth - 1));
        }
        if (random.nextInt(4) == 0) {
            node.putArray("prefixItems").add(schema(depth - 1)).add(schema(depth - 1));
        }
    }

    private ObjectNode object(int depth, String recursive) {
        ObjectNode node = JSON.objectNode().put("type", "object");
        ObjectNode properties = JSON.objectNode();
        for (int i = random.nextInt(4); i > 0; i--) {
            String name = word();
            properties.set(name, schema(depth - 1));
            if (random.nextBoolean()) {
                node.withArray("required").add(name);
            }
        }
        if (recursive != null) { // never required, so that values are finite
            properties.set("again", JSON.objectNode().put("$ref", "#/$defs/" + recursive));
        }
        if (!properties.isEmpty()) {
            node.set("properties", properties);
        }
        switch (random.nextInt(6)) {
            case 0 -> node.put("additionalProperties", true);
            case 1 -> node.set("additionalProperties", schema(depth - 1));
            case 2 -> node.put("additionalProperties", false);
            default -> {
            }
        }
        return node;
    }
}
