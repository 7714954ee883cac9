// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonSchemaElement;

import io.github.chaijlama.constrain.AnswerForm;
import io.github.chaijlama.tool.ToolCallFormat;
import io.github.chaijlama.tool.ToolDefinition;

/** LangChain4j's schemas as JSON, written by LangChain4j itself, and forms of whole answers made of them. */
final class JsonSchemas {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    /** Where a schema may contain text that looks like a reference and is none. */
    private static final Set<String> VALUES = Set.of("const", "enum", "default", "examples");

    private JsonSchemas() {}

    /**
     * Returns a schema, a document of its own.
     *
     * @throws InvalidRequestException if it is a raw schema that is not JSON
     */
    static JsonNode of(JsonSchemaElement schema) {
        // Tools are what LangChain4j has a public way to JSON for, and their parameters are objects.
        return schema instanceof JsonObjectSchema object ? json(object)
                : json(JsonObjectSchema.builder().addProperty("value", schema).build()).path("properties")
                        .path("value");
    }

    private static JsonNode json(JsonObjectSchema schema) {
        String json;
        try {
            json = ToolSpecification.builder().name("any").parameters(schema).build().toJson();
        } catch (RuntimeException e) { // of whatever JSON library LangChain4j uses
            throw new InvalidRequestException("the schema cannot be written as JSON: " + e.getMessage(), e);
        }
        try {
            return MAPPER.readTree(json).path("parameters");
        } catch (JsonProcessingException e) {
            throw new InvalidRequestException("the schema is not JSON: " + e.getOriginalMessage(), e);
        }
    }

    /** Returns a tool with the schema of its parameters, which allows no others than those it names. */
    static ToolDefinition tool(ToolSpecification tool) {
        ObjectNode parameters = tool.parameters() == null ? MAPPER.createObjectNode().put("type", "object")
                : (ObjectNode) json(tool.parameters());
        if (!parameters.has("properties")) {
            parameters.putObject("properties");
        }
        return new ToolDefinition(tool.name(), MessageMapper.said(tool.description()), parameters);
    }

    /** Returns the schema of any object. */
    static ObjectNode anyObject() {
        return MAPPER.createObjectNode().put("type", "object");
    }

    /**
     * Returns the forms of a call of one of several tools, or of an answer.
     *
     * @param format how the model writes calls
     * @param begun  whether its opening stands in the prompt
     * @param answer schema of the answer, empty if it must be a call
     */
    static List<AnswerForm> callOrAnswer(List<ToolDefinition> tools, ToolCallFormat format, boolean begun,
            Optional<JsonNode> answer) {
        List<AnswerForm> forms = new ArrayList<>();
        for (ToolDefinition tool : tools) {
            forms.add(new AnswerForm((begun ? "" : format.opening()) + format.beforeArguments(tool.name()),
                    format.isObject() ? call(tool, format.argumentsKey()) : arguments(tool)));
        }
        answer.ifPresent(schema -> forms.add(new AnswerForm("", schema)));
        return forms;
    }

    /** Returns the schema of a tool's arguments. */
    private static ObjectNode arguments(ToolDefinition tool) {
        ObjectNode arguments = tool.parameters().deepCopy();
        if (arguments.path("properties").isEmpty() && !arguments.has("additionalProperties")) {
            arguments.put("additionalProperties", false);
        }
        return arguments;
    }

    /**
     * Returns the schema of a call.
     *
     * @param argumentsKey where the model writes the arguments
     */
    private static ObjectNode call(ToolDefinition tool, String argumentsKey) {
        ObjectNode call = anyObject();
        ObjectNode properties = call.putObject("properties");
        properties.putObject("name").put("const", tool.name());
        ObjectNode arguments = arguments(tool);
        move(arguments, "/properties/" + argumentsKey);
        properties.set(argumentsKey, arguments);
        call.putArray("required").add("name").add(argumentsKey);
        return call.put("additionalProperties", false);
    }

    /** Lets references within a schema point to where it is now. */
    private static void move(JsonNode schema, String place) {
        if (schema instanceof ObjectNode object) {
            JsonNode reference = object.path("$ref");
            if (reference.isTextual() && reference.textValue().startsWith("#")) {
                object.put("$ref", "#" + place + reference.textValue().substring(1));
            }
            object.properties().forEach(member -> {
                if (!VALUES.contains(member.getKey()) || member.getValue().isObject()) {
                    move(member.getValue(), place);
                }
            });
        } else {
            schema.forEach(element -> move(element, place));
        }
    }
}
