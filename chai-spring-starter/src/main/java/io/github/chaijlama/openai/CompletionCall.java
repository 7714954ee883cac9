// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import java.util.List;
import java.util.Objects;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.github.chaijlama.generate.Cancellation;
import io.github.chaijlama.langchain4j.ChaiChatRequestParameters;

/**
 * A request for the continuation of a text.
 *
 * @param stream how the text is sent
 */
record CompletionCall(String prompt, ChaiChatRequestParameters parameters, StreamChoice stream) {
    /** OpenAI's default. */
    private static final int DEFAULT_MAX_TOKENS = 16;

    /**
     * Reads a request.
     *
     * @param cancellation ends its text early
     * @throws OpenAiException if a field is wrong, or is for something that is not done here
     */
    static CompletionCall read(ObjectNode body, Cancellation cancellation) {
        Fields fields = new Fields(body, "");
        SamplingFields.refuse(fields);
        fields.refuse("best_of", "1", SamplingFields::isOne);
        fields.refuse("echo", "false", value -> value.isBoolean() && !value.booleanValue());
        fields.refuse("logprobs", "nothing", value -> false);
        fields.refuse("suffix", "nothing", value -> value.isTextual() && value.textValue().isEmpty());
        return new CompletionCall(prompt(fields), SamplingFields.read(fields, cancellation)
                .maxOutputTokens(Objects.requireNonNullElse(fields.count("max_tokens"), DEFAULT_MAX_TOKENS)).build(),
                StreamChoice.read(fields));
    }

    private static String prompt(Fields fields) {
        JsonNode prompt = fields.required("prompt");
        boolean hasNumbers = prompt.isArray() && prompt.path(0).isContainerNode() || prompt.path(0).isNumber();
        if (hasNumbers) {
            throw OpenAiException.unsupported("prompt", "prompts of tokens are not supported here: expected a string");
        }
        List<String> texts = fields.texts("prompt");
        if (texts.size() != 1) {
            throw OpenAiException.unsupported("prompt",
                    "several prompts are not supported here: expected one string, found " + texts.size());
        }
        return texts.get(0);
    }
}
