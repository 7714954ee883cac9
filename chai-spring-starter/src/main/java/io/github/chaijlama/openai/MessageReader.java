// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

import com.fasterxml.jackson.databind.JsonNode;
import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;

/** Reads the messages of a conversation. */
final class MessageReader {
    /** Parts of a message that are no text, as errors call them. */
    private static final Map<String, String> OTHER_PARTS = Map.of("image_url", "images", "input_audio", "audio", "file",
            "files", "refusal", "refusals");

    private final List<ChatMessage> messages = new ArrayList<>();
    /** Names of the tools that were called, by the ids of the calls. */
    private final Map<String, String> called = new HashMap<>();

    private MessageReader() {}

    /**
     * Returns a conversation.
     *
     * @throws OpenAiException if a message is wrong, or has something else than text and calls of tools
     */
    static List<ChatMessage> read(Fields request) {
        request.required("messages");
        MessageReader reader = new MessageReader();
        List<JsonNode> list = request.list("messages");
        if (list.isEmpty()) {
            throw OpenAiException.wrong("messages", "'messages' must have at least one message, found none");
        }
        for (int i = 0; i < list.size(); i++) {
            reader.read(Fields.of(list.get(i), "messages[" + i + "]"), list.get(i));
        }
        return reader.messages;
    }

    private void read(Fields message, JsonNode found) {
        switch (message.requiredText("role")) {
            case "system", "developer" -> system(message);
            case "user" -> messages.add(UserMessage.from(contents(message)));
            case "assistant" -> messages.add(assistant(message));
            case "tool" -> messages.add(toolResult(message));
            case "function" -> throw OpenAiException.unsupported(message.path("role"),
                    "messages of role 'function' are not supported here: expected role 'tool' with a 'tool_call_id'");
            default -> throw OpenAiException.wrong(message.path("role"), "'" + message.path("role") + "' must be "
                    + "'system', 'developer', 'user', 'assistant' or 'tool', found " + Json.shown(found.path("role")));
        }
    }

    /** Instructions that say nothing are none. */
    private void system(Fields message) {
        String text = text(message);
        if (!text.isBlank()) {
            messages.add(SystemMessage.from(text));
        }
    }

    private AiMessage assistant(Fields message) {
        message.refuse("function_call", "'tool_calls'", value -> false);
        message.refuse("audio", "text", value -> false);
        List<ToolExecutionRequest> calls = new ArrayList<>();
        List<JsonNode> list = message.list("tool_calls");
        for (int i = 0; i < list.size(); i++) {
            calls.add(call(Fields.of(list.get(i), message.path("tool_calls[" + i + "]"))));
        }
        if (calls.isEmpty()) {
            message.required("content");
        }
        AiMessage.Builder assistant = AiMessage.builder().thinking(message.text("reasoning_content").orElse(null));
        if (message.has("content")) {
            assistant.text(text(message));
        }
        return assistant.toolExecutionRequests(calls).build();
    }

    private ToolExecutionRequest call(Fields call) {
        call.refuse("type", "\"function\"", type -> type.asText().equals("function"));
        Fields function = Fields.of(call.required("function"), call.path("function"));
        String id = call.requiredText("id");
        String name = function.requiredText("name");
        called.put(id, name);
        return ToolExecutionRequest.builder().id(id).name(name).arguments(function.text("arguments").orElse(""))
                .build();
    }

    private ToolExecutionResultMessage toolResult(Fields message) {
        String id = message.requiredText("tool_call_id");
        String name = called.get(id);
        if (name == null) {
            throw OpenAiException.wrong(message.path("tool_call_id"), "'" + message.path("tool_call_id")
                    + "' must be the id of a call in an earlier message, found '" + id + "'");
        }
        return ToolExecutionResultMessage.from(id, name, text(message));
    }

    private static String text(Fields message) {
        return contents(message).stream().map(content -> ((TextContent) content).text())
                .collect(Collectors.joining("\n"));
    }

    /** Returns the texts of a message. */
    private static List<Content> contents(Fields message) {
        JsonNode content = message.required("content");
        if (content.isTextual()) {
            return List.of(TextContent.from(content.textValue()));
        }
        if (!content.isArray() || content.isEmpty()) {
            throw Fields.wrong(message.path("content"), "a string or a list of parts", content);
        }
        List<Content> parts = new ArrayList<>();
        for (int i = 0; i < content.size(); i++) {
            parts.add(part(Fields.of(content.get(i), message.path("content[" + i + "]"))));
        }
        return parts;
    }

    private static Content part(Fields part) {
        String type = part.requiredText("type");
        if (type.equals("text")) {
            return TextContent.from(part.requiredText("text"));
        }
        String what = OTHER_PARTS.getOrDefault(type, "parts of type '" + type + "'");
        throw OpenAiException.unsupported(part.path("type"),
                what + " are not supported here: expected parts of type 'text', found '" + type + "'");
    }
}
