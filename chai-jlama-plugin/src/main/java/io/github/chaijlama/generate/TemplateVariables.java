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
import com.fasterxml.jackson.databind.node.TextNode;
import org.jspecify.annotations.Nullable;

import io.github.chaijlama.template.JinjaTemplate;
import io.github.chaijlama.tool.ToolCall;
import io.github.chaijlama.tool.ToolCallFormat;
import io.github.chaijlama.tool.ToolDefinition;

/** Messages and tools in the shape in which Hugging Face gives them to chat templates, texts guarded. */
final class TemplateVariables {
    /** What the system says that would say nothing, where it must bring the tools. */
    private static final String TOOLS_ALONE = "You may call tools.";
    private static final Set<String> ROLES = Set.of("system", "user", "assistant", "tool");
    private static final ObjectMapper MAPPER = new ObjectMapper()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    private static final TypeReference<LinkedHashMap<String, Object>> OBJECT = new TypeReference<>() {
    };

    private final ControlTokens controlTokens;
    private final ControlTokenGuard guard;
    private final TemplateTraits traits;
    private final List<ToolDefinition> tools;
    private final boolean argumentsAsText;

    TemplateVariables(ControlTokens controlTokens, ControlTokenGuard guard, TemplateTraits traits,
            List<ToolDefinition> tools) {
        this(controlTokens, guard, traits, tools, false);
    }

    private TemplateVariables(ControlTokens controlTokens, ControlTokenGuard guard, TemplateTraits traits,
            List<ToolDefinition> tools, boolean argumentsAsText) {
        this.controlTokens = controlTokens;
        this.guard = guard;
        this.traits = traits;
        this.tools = tools;
        this.argumentsAsText = argumentsAsText;
    }

    /** Returns the same, with the arguments of calls as JSON text instead of mappings. */
    TemplateVariables withArgumentsAsText() {
        return new TemplateVariables(controlTokens, guard, traits, tools, true);
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
        if (!traits.toolsOfSystem() || tools.isEmpty()) {
            return messages.stream().map(this::message).toList();
        }
        List<ChatMessage> all = new ArrayList<>(messages);
        if (all.stream().noneMatch(message -> message.role().equals("system"))) {
            all.addFirst(ChatMessage.system(TOOLS_ALONE));
        }
        List<Map<String, Object>> maps = new ArrayList<>(all.stream().map(this::message).toList());
        maps.stream().filter(map -> "system".equals(map.get("role"))).findFirst().ifPresent(
                system -> system.put("tools", JinjaTemplate.json(tools.stream().map(this::function).toList())));
        return maps;
    }

    /** Returns the tools; where there are none, templates expect None. */
    @Nullable Object tools() {
        return tools.isEmpty() ? null : tools.stream().map(this::tool).toList();
    }

    private Map<String, Object> message(ChatMessage message) {
        Map<String, Object> map = new LinkedHashMap<>();
        boolean isJoined = traits.thinkingOrContent() && !message.toolCalls().isEmpty()
                && !message.thinking().isEmpty() && !message.content().isEmpty();
        String thinking = isJoined ? message.thinking() + "\n\n" + message.content() : message.thinking();
        String content = guard.apply(isJoined ? "" : message.content(), message.role().equals("assistant")
                ? controlTokens.textsWithoutMarkers()
                : controlTokens.texts());
        boolean isWritten = !traits.showsCalls() && !message.toolCalls().isEmpty();
        // Templates compare roles, and write them between parts of control tokens: "<|" + role + "|>".
        map.put("role", !ROLES.contains(message.role()) ? guarded(message.role())
                : message.role().equals("tool") ? traits.resultRole() : message.role());
        String text = isWritten ? content + written(message.toolCalls()) : content;
        map.put("content", traits.thinkingBlocks() && !thinking.isEmpty() ? blocks(guarded(thinking), text) : text);
        if (!thinking.isEmpty()) {
            map.put("reasoning_content", guarded(thinking));
            map.put("thinking", guarded(thinking)); // gpt-oss
        }
        if (!message.toolCalls().isEmpty() && !isWritten) {
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

    private static List<Map<String, Object>> blocks(String thinking, String text) {
        Map<String, Object> thought = Map.of("type", "thinking", "thinking", thinking);
        return text.isEmpty() ? List.of(thought) : List.of(thought, Map.of("type", "text", "text", text));
    }

    /** Returns calls as the model writes them. */
    private String written(List<ToolCall> calls) {
        ToolCallFormat format = traits.calls();
        StringBuilder text = new StringBuilder(format.opening());
        for (ToolCall call : calls) {
            text.append(text.length() == format.opening().length() ? "" : format.between());
            String arguments = call.arguments().isBlank() ? "{}" : call.arguments();
            text.append(format.isObject()
                    ? guarded("{\"name\": " + TextNode.valueOf(call.name()) + ", \"" + format.argumentsKey() + "\": "
                            + arguments + "}")
                    : format.beforeArguments(guarded(call.name())) + guarded(arguments));
        }
        return text.append(format.closing()).toString();
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
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("type", "function");
        map.put("function", function(tool));
        return map;
    }

    private Map<String, Object> function(ToolDefinition tool) {
        Map<String, Object> function = new LinkedHashMap<>();
        function.put("name", guarded(tool.name()));
        function.put("description", guarded(tool.description()));
        function.put("parameters", guardedValue(MAPPER.convertValue(tool.parameters(), OBJECT)));
        return function;
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
