// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.jspecify.annotations.Nullable;

import io.github.chaijlama.tool.ToolCall;
import io.github.chaijlama.tool.ToolDefinition;

/** Messages and tools in the shape in which Hugging Face gives them to chat templates, texts guarded. */
final class TemplateVariables {
    private static final Set<String> ROLES = Set.of("system", "user", "assistant", "tool");
    private static final ObjectMapper MAPPER = new ObjectMapper()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    private static final TypeReference<LinkedHashMap<String, Object>> OBJECT = new TypeReference<>() {
    };

    private final ControlTokens controlTokens;
    private final ControlTokenGuard guard;
    private final boolean argumentsAsText;

    TemplateVariables(ControlTokens controlTokens, ControlTokenGuard guard) {
        this(controlTokens, guard, false);
    }

    private TemplateVariables(ControlTokens controlTokens, ControlTokenGuard guard, boolean argumentsAsText) {
        this.controlTokens = controlTokens;
        this.guard = guard;
        this.argumentsAsText = argumentsAsText;
    }

    /** Returns the same, with the arguments of calls as JSON text instead of mappings. */
    TemplateVariables withArgumentsAsText() {
        return new TemplateVariables(controlTokens, guard, true);
    }

    /** Returns every text of a conversation, for the choice of a guard character. */
    static List<String> texts(List<ChatMessage> messages, List<ToolDefinition> tools) {
        List<String> texts = new ArrayList<>();
        for (ChatMessage message : messages) {
            texts.add(message.role());
            texts.add(message.content());
            texts.add(message.thinking());
            message.toolCalls().forEach(call -> texts.add(
                    call.name() + call.id() + call.arguments() + arguments(call.arguments())));
            texts.add(message.toolCallId() + message.toolName());
        }
        tools.forEach(tool -> texts.add(tool.name() + tool.description() + tool.parameters()));
        return texts;
    }

    List<Map<String, Object>> messages(List<ChatMessage> messages) {
        return messages.stream().map(this::message).toList();
    }

    /** Returns the tools; where there are none, templates expect None. */
    @Nullable Object tools(List<ToolDefinition> tools) {
        return tools.isEmpty() ? null : tools.stream().map(this::tool).toList();
    }

    private Map<String, Object> message(ChatMessage message) {
        Map<String, Object> map = new LinkedHashMap<>();
        // Templates compare roles, and write them between parts of control tokens: "<|" + role + "|>".
        map.put("role", ROLES.contains(message.role()) ? message.role() : guarded(message.role()));
        map.put("content", guard.apply(message.content(), message.role().equals("assistant")
                ? controlTokens.textsWithoutMarkers()
                : controlTokens.texts()));
        if (!message.thinking().isEmpty()) {
            map.put("reasoning_content", guarded(message.thinking()));
            map.put("thinking", guarded(message.thinking())); // gpt-oss
        }
        if (!message.toolCalls().isEmpty()) {
            map.put("tool_calls", message.toolCalls().stream().map(this::call).toList());
        }
        if (!message.toolCallId().isEmpty()) {
            map.put("tool_call_id", guarded(message.toolCallId()));
        }
        if (!message.toolName().isEmpty()) {
            map.put("name", guarded(message.toolName()));
        }
        return map;
    }

    private Map<String, Object> call(ToolCall call) {
        Map<String, Object> function = new LinkedHashMap<>();
        function.put("name", guarded(call.name()));
        function.put("arguments", argumentsAsText
                ? guarded(call.arguments().isBlank() ? "{}" : call.arguments())
                : guardedValue(arguments(call.arguments())));
        Map<String, Object> map = new LinkedHashMap<>();
        if (!call.id().isEmpty()) {
            map.put("id", guarded(call.id()));
        }
        map.put("type", "function");
        map.put("function", function);
        return map;
    }

    /** Returns the arguments as templates want them, and as they are if a model wrote something else than an object. */
    private static Object arguments(String arguments) {
        if (arguments.isBlank()) {
            return Map.of();
        }
        try {
            return MAPPER.readValue(arguments, OBJECT);
        } catch (JsonProcessingException e) {
            return arguments;
        }
    }

    private Map<String, Object> tool(ToolDefinition tool) {
        Map<String, Object> function = new LinkedHashMap<>();
        function.put("name", guarded(tool.name()));
        function.put("description", guarded(tool.description()));
        function.put("parameters", guardedValue(MAPPER.convertValue(tool.parameters(), OBJECT)));
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("type", "function");
        map.put("function", function);
        return map;
    }

    private String guarded(String text) {
        return guard.apply(text, controlTokens.texts());
    }

    private Object guardedValue(Object value) {
        return switch (value) {
            case String text -> guarded(text);
            case Map<?, ?> map -> {
                Map<String, Object> copy = new LinkedHashMap<>();
                map.forEach((key, element) -> copy.put(guarded((String) key), guardedValue(element)));
                yield copy;
            }
            case List<?> list -> list.stream().map(this::guardedValue).collect(ArrayList::new, ArrayList::add,
                    ArrayList::addAll);
            case null, default -> value;
        };
    }
}
