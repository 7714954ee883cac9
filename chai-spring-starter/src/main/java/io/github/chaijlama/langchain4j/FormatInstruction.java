// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * Tells the model of the form its answer will have. Constrained decoding keeps every answer to its schema, but a model
 * that does not know the names and types to come fills them worse. The words are those with which LangChain4j itself
 * asks models that know no schemas.
 */
final class FormatInstruction {
    private final JsonNode document;
    private final Set<String> described = new HashSet<>();

    private FormatInstruction(JsonNode document) {
        this.document = document;
    }

    /** Returns the instruction for a schema. */
    static String of(JsonNode schema) {
        return "You must answer strictly in the following JSON format: " + new FormatInstruction(schema).type(schema);
    }

    private String type(JsonNode schema) {
        if (schema.has("$ref")) {
            String pointer = schema.path("$ref").asText().substring(1);
            JsonNode target = document.at(pointer);
            return described.add(pointer) ? type(target) : "object of the same form";
        }
        if (schema.has("anyOf")) {
            return alternatives(schema.path("anyOf"));
        }
        if (schema.has("enum")) {
            return "enum, must be one of " + schema.path("enum");
        }
        if (schema.has("const")) {
            return "always " + schema.path("const");
        }
        if (schema.path("properties").isObject()) {
            return schema.path("properties").properties().stream()
                    .map(property -> "\"" + property.getKey() + "\": (" + described(property.getValue()) + ")")
                    .collect(Collectors.joining(",\n", "{\n", "\n}"));
        }
        if (schema.path("items").isObject()) {
            return "array of " + type(schema.path("items"));
        }
        JsonNode type = schema.path("type");
        return type.isArray() ? alternatives(type) : type.isMissingNode() ? "any" : type.asText();
    }

    private String alternatives(JsonNode list) {
        List<String> types = new ArrayList<>();
        list.forEach(one -> types.add(one.isTextual() ? one.textValue() : type(one)));
        return String.join(" or ", types);
    }

    private String described(JsonNode property) {
        String description = property.path("description").asText();
        return (description.isBlank() ? "" : description + "; ") + "type: " + type(property);
    }
}
