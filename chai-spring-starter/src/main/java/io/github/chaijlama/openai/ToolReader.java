// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import com.fasterxml.jackson.databind.JsonNode;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonRawSchema;
import dev.langchain4j.model.chat.request.json.JsonSchemaElement;
import org.jspecify.annotations.Nullable;

/**
 * Reads the tools of a request and how they are to be used.
 *
 * @param tools  what the model may call; the one that it must call alone, if the request names one
 * @param choice null if the request does not say
 */
record ToolReader(List<ToolSpecification> tools, @Nullable ToolChoice choice) {
    /** What LangChain4j has a place for in the parameters of a tool; below that anything goes. */
    private static final Set<String> SCHEMA_KEYWORDS = Set.of("type", "properties", "required", "additionalProperties",
            "description", "$defs");
    /** What says nothing about the parameters. */
    private static final Set<String> REMARKS = Set.of("title", "$schema", "$id", "$comment", "examples", "default");

    static ToolReader read(Fields request) {
        List<ToolSpecification> tools = new ArrayList<>();
        List<JsonNode> list = request.list("tools");
        for (int i = 0; i < list.size(); i++) {
            tools.add(tool(Fields.of(list.get(i), "tools[" + i + "]")));
        }
        return choose(tools, request);
    }

    private static ToolReader choose(List<ToolSpecification> tools, Fields request) {
        JsonNode choice = request.get("tool_choice");
        if (choice == null) {
            return new ToolReader(tools, null);
        }
        return switch (choice.asText()) {
            case "none" -> new ToolReader(tools, ToolChoice.NONE);
            case "auto" -> new ToolReader(tools, ToolChoice.AUTO);
            case "required" -> new ToolReader(requireAny(tools), ToolChoice.REQUIRED);
            default -> new ToolReader(List.of(named(tools, choice)), ToolChoice.REQUIRED);
        };
    }

    private static List<ToolSpecification> requireAny(List<ToolSpecification> tools) {
        if (tools.isEmpty()) {
            throw OpenAiException.wrong("tool_choice", "'tool_choice' required needs at least one of 'tools', found "
                    + "none");
        }
        return tools;
    }

    private static ToolSpecification named(List<ToolSpecification> tools, JsonNode choice) {
        if (!choice.isObject()) {
            throw Fields.wrong("tool_choice", "\"none\", \"auto\", \"required\" or an object", choice);
        }
        Fields fields = Fields.of(choice, "tool_choice");
        fields.refuse("type", "\"function\"", type -> type.asText().equals("function"));
        String name = Fields.of(fields.required("function"), fields.path("function")).requiredText("name");
        return tools.stream().filter(tool -> tool.name().equals(name)).findFirst()
                .orElseThrow(() -> OpenAiException.wrong("tool_choice.function.name",
                        "'tool_choice.function.name' must be one of 'tools', found '" + name + "'"));
    }

    private static ToolSpecification tool(Fields tool) {
        tool.refuse("type", "\"function\"", type -> type.asText().equals("function"));
        Fields function = Fields.of(tool.required("function"), tool.path("function"));
        ToolSpecification.Builder builder = ToolSpecification.builder().name(function.requiredText("name"))
                .description(function.text("description").orElse(null));
        JsonNode parameters = function.get("parameters");
        if (parameters != null && !parameters.isEmpty()) {
            builder.parameters(parameters(Fields.of(parameters, function.path("parameters"))));
        }
        return builder.build();
    }

    /** Returns a schema whose outermost part is LangChain4j's; what is below stays as it was sent. */
    private static JsonObjectSchema parameters(Fields schema) {
        schema.node().fieldNames().forEachRemaining(keyword -> {
            if (!SCHEMA_KEYWORDS.contains(keyword) && !REMARKS.contains(keyword)) {
                throw OpenAiException.unsupported(schema.path(keyword), "'" + schema.path(keyword)
                        + "' is not supported here at the outermost level: expected an object with 'properties'");
            }
        });
        schema.refuse("type", "\"object\"", type -> type.asText().equals("object"));
        schema.refuse("additionalProperties", "true or false", JsonNode::isBoolean);
        JsonObjectSchema.Builder builder = JsonObjectSchema.builder()
                .description(schema.text("description").orElse(null)).required(schema.texts("required"));
        if (schema.has("additionalProperties")) {
            builder.additionalProperties(schema.flag("additionalProperties", true));
        }
        if (schema.has("properties")) {
            Fields properties = Fields.of(schema.required("properties"), schema.path("properties"));
            properties.node().properties()
                    .forEach(property -> builder.addProperty(property.getKey(), raw(property.getValue())));
        }
        if (schema.has("$defs")) {
            Fields definitions = Fields.of(schema.required("$defs"), schema.path("$defs"));
            Map<String, JsonSchemaElement> elements = new LinkedHashMap<>();
            definitions.node().properties()
                    .forEach(definition -> elements.put(definition.getKey(), raw(definition.getValue())));
            builder.definitions(elements);
        }
        return builder.build();
    }

    private static JsonRawSchema raw(JsonNode schema) {
        return JsonRawSchema.from(schema.toString());
    }
}
