// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.UnsupportedFeatureException;
import org.jspecify.annotations.Nullable;

import io.github.chaijlama.generate.ChatMessage;
import io.github.chaijlama.tool.ToolCall;

/** Turns LangChain4j's messages into this project's. */
final class MessageMapper {

    private MessageMapper() {}

    /**
     * Returns a conversation.
     *
     * @param sendThinking whether what the model thought before its messages goes along
     * @throws UnsupportedFeatureException if a message has something else than text and calls of tools
     */
    static List<ChatMessage> messages(List<dev.langchain4j.data.message.ChatMessage> messages, boolean sendThinking) {
        return messages.stream().map(message -> message(message, sendThinking)).toList();
    }

    private static ChatMessage message(dev.langchain4j.data.message.ChatMessage message, boolean sendThinking) {
        return switch (message) {
            case SystemMessage system -> ChatMessage.system(system.text());
            case UserMessage user -> ChatMessage.user(text("", user.contents()));
            case AiMessage ai -> ChatMessage.assistant(said(ai.text()),
                    ai.toolExecutionRequests().stream().map(MessageMapper::call).toList())
                    .withThinking(sendThinking ? said(ai.thinking()) : "");
            case ToolExecutionResultMessage result -> ChatMessage.toolResult(said(result.id()), said(result.toolName()),
                    text("non-text content in tool results: ", result.contents()));
            default -> throw unsupported("messages of type " + message.type());
        };
    }

    private static ToolCall call(ToolExecutionRequest request) {
        return new ToolCall(said(request.id()), request.name(), said(request.arguments()));
    }

    /** What LangChain4j's messages leave out is empty here. */
    static String said(@Nullable String text) {
        return text == null ? "" : text;
    }

    private static String text(String where, List<Content> contents) {
        return contents.stream().map(content -> {
            if (content instanceof TextContent text) {
                return text.text();
            }
            throw unsupported(where + "content of type " + content.type().toString().toLowerCase(Locale.ROOT));
        }).collect(Collectors.joining("\n"));
    }

    static UnsupportedFeatureException unsupported(String what) {
        return new UnsupportedFeatureException(what + " is not supported by this model");
    }
}
