// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

import io.github.chaijlama.generate.ChatMessage;
import io.github.chaijlama.generate.GenerationOptions;
import io.github.chaijlama.generate.PromptOptions;
import io.github.chaijlama.tool.ToolCallListener;
import io.github.chaijlama.tool.ToolCallParser;
import io.github.chaijlama.tool.ToolDefinition;

/**
 * A request in this project's words.
 *
 * @param prompt  what the chat template is told beside the messages: what the model may call, whether its answer must
 *                be a call, whether it is to think
 * @param options how the answer is generated
 * @param returnThinking whether what the model thinks is returned
 */
record MappedRequest(List<ChatMessage> messages, PromptOptions prompt, GenerationOptions options,
        boolean returnThinking) {

    /** Returns what the model may call. */
    List<ToolDefinition> tools() {
        return prompt.tools();
    }

    /** Returns a parser for the answer. */
    ToolCallParser parser(ToolCallListener listener) {
        Set<String> names = tools().stream().map(ToolDefinition::name).collect(Collectors.toSet());
        ToolCallParser parser = new ToolCallParser(names, listener);
        if (prompt.startCall()) {
            parser.expectCall();
        }
        return parser;
    }
}
