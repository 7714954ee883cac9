// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.List;

import io.github.chaijlama.tool.ToolCall;

/**
 * A message of a conversation, as chat templates know it.
 *
 * @param role       {@code system}, {@code user}, {@code assistant} or {@code tool}
 * @param content    its text, possibly empty
 * @param toolCalls  calls that the model made in it
 * @param toolCallId id of the call whose result this is, empty for other messages
 * @param toolName   name of the tool whose result this is, empty for other messages
 * @param thinking   what the model thought before it wrote it, empty for nothing or nothing that is to be sent again
 */
public record ChatMessage(String role, String content, List<ToolCall> toolCalls, String toolCallId, String toolName,
        String thinking) {

    public ChatMessage {
        toolCalls = List.copyOf(toolCalls);
    }

    /** A message without thinking. */
    public ChatMessage(String role, String content, List<ToolCall> toolCalls, String toolCallId, String toolName) {
        this(role, content, toolCalls, toolCallId, toolName, "");
    }

    /** A message without calls. */
    public ChatMessage(String role, String content) {
        this(role, content, List.of(), "", "");
    }

    /** Returns a message that sets the scene. */
    public static ChatMessage system(String content) {
        return new ChatMessage("system", content);
    }

    /** Returns a message of the user. */
    public static ChatMessage user(String content) {
        return new ChatMessage("user", content);
    }

    /** Returns a message of the model. */
    public static ChatMessage assistant(String content) {
        return new ChatMessage("assistant", content);
    }

    /** Returns a message of the model that calls tools. */
    public static ChatMessage assistant(String content, List<ToolCall> toolCalls) {
        return new ChatMessage("assistant", content, toolCalls, "", "");
    }

    /** Returns this message with what the model thought before it wrote it. */
    public ChatMessage withThinking(String newThinking) {
        return new ChatMessage(role, content, toolCalls, toolCallId, toolName, newThinking);
    }

    /** Returns the result of a call. */
    public static ChatMessage toolResult(String toolCallId, String toolName, String content) {
        return new ChatMessage("tool", content, List.of(), toolCallId, toolName);
    }
}
