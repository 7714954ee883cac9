// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

import io.github.chaijlama.generate.ChatMessage;
import io.github.chaijlama.generate.GenerationOptions;
import io.github.chaijlama.tool.ToolCallListener;
import io.github.chaijlama.tool.ToolCallParser;
import io.github.chaijlama.tool.ToolDefinition;

/**
 * A request in this project's words.
 *
 * @param tools     what the model may call
 * @param startCall whether its answer must be a call
 */
record MappedRequest(List<ChatMessage> messages, List<ToolDefinition> tools, boolean startCall,
        GenerationOptions options) {

    /** Returns a parser for the answer. */
    ToolCallParser parser(ToolCallListener listener) {
        Set<String> names = tools.stream().map(ToolDefinition::name).collect(Collectors.toSet());
        ToolCallParser parser = new ToolCallParser(names, listener);
        if (startCall) {
            parser.expectCall();
        }
        return parser;
    }
}
