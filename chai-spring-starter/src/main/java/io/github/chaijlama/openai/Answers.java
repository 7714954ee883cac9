// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import java.time.Instant;
import java.util.UUID;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import org.jspecify.annotations.Nullable;

/**
 * What all parts of one answer have in common.
 *
 * @param kind  {@code object} in OpenAI's API
 * @param model name of the model
 */
record Answers(String id, String kind, long created, String model) {

    /** Returns the beginning of a new answer. */
    static Answers begin(String idPrefix, String kind, String model) {
        return new Answers(idPrefix + UUID.randomUUID().toString().replace("-", ""), kind,
                Instant.now().getEpochSecond(), model);
    }

    /** Returns a part of the answer. */
    ObjectNode part() {
        return Json.object().put("id", id).put("object", kind).put("created", created).put("model", model);
    }

    /**
     * Returns how many tokens an answer took.
     *
     * @param cached tokens of the prompt that were not calculated again
     */
    static ObjectNode usage(TokenUsage usage, int cached) {
        ObjectNode json = Json.object().put("prompt_tokens", usage.inputTokenCount())
                .put("completion_tokens", usage.outputTokenCount()).put("total_tokens", usage.totalTokenCount());
        json.putObject("prompt_tokens_details").put("cached_tokens", cached);
        return json;
    }

    static String finishReason(@Nullable FinishReason reason) {
        return switch (reason) {
            case LENGTH -> "length";
            case TOOL_EXECUTION -> "tool_calls";
            case null, default -> "stop";
        };
    }
}
