// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.List;
import java.util.Optional;

import io.github.chaijlama.tool.ToolDefinition;

/**
 * What a chat template is told beside the messages. Immutable.
 *
 * @param tools     what the model may call
 * @param startCall whether the answer begins as a call does: what the model generates is then the rest of it, from its
 *                  first object on ({@link io.github.chaijlama.tool.ToolCallParser#expectCall})
 * @param thinking  whether the model is to think before it answers, for templates that have a switch for it
 *                  ({@code enable_thinking}); empty for what the template does on its own
 */
public record PromptOptions(List<ToolDefinition> tools, boolean startCall, Optional<Boolean> thinking) {

    /** Nothing. */
    public static final PromptOptions NONE = new PromptOptions(List.of(), false, Optional.empty());

    public PromptOptions {
        tools = List.copyOf(tools);
    }

    /** Returns these options with other tools. */
    public PromptOptions withTools(List<ToolDefinition> newTools, boolean newStartCall) {
        return new PromptOptions(newTools, newStartCall, thinking);
    }

    /** Returns these options with another setting of the template's switch. */
    public PromptOptions withThinking(boolean newThinking) {
        return new PromptOptions(tools, startCall, Optional.of(newThinking));
    }
}
