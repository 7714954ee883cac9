// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import com.fasterxml.jackson.databind.JsonNode;

import io.github.chaijlama.generate.Cancellation;
import io.github.chaijlama.langchain4j.ChaiChatRequestParameters;

/** What requests for chats and for texts have in common. */
final class SamplingFields {

    private SamplingFields() {}

    static ChaiChatRequestParameters.Builder read(Fields fields, Cancellation cancellation) {
        return ChaiChatRequestParameters.builder().cancellation(cancellation)
                .temperature(fields.number("temperature", 0, 2)).topP(fields.number("top_p", 0, 1))
                .frequencyPenalty(fields.number("frequency_penalty", -2, 2))
                .presencePenalty(fields.number("presence_penalty", -2, 2)).stopSequences(fields.texts("stop"))
                .seed(fields.wholeNumber("seed"));
    }

    /** Refuses what is not done here. */
    static void refuse(Fields fields) {
        fields.refuse("n", "1", SamplingFields::isOne);
        fields.refuse("logit_bias", "nothing", value -> value.isObject() && value.isEmpty());
        fields.refuse("service_tier", "\"auto\" or \"default\"",
                value -> value.asText().equals("auto") || value.asText().equals("default"));
    }

    static boolean isOne(JsonNode value) {
        return value.isIntegralNumber() && value.longValue() == 1;
    }
}
