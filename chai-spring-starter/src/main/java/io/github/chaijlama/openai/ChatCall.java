// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.json.JsonRawSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import org.jspecify.annotations.Nullable;

import io.github.chaijlama.generate.Cancellation;
import io.github.chaijlama.langchain4j.ChaiChatRequestParameters;

/**
 * A request for a chat completion.
 *
 * @param request    in LangChain4j's words
 * @param stream     how the answer is sent
 * @param oneCall    whether the answer may call one tool only
 */
record ChatCall(ChatRequest request, StreamChoice stream, boolean oneCall) {

    /**
     * Reads a request.
     *
     * @param cancellation ends its answer early
     * @throws OpenAiException if a field is wrong, or is for something that is not done here
     */
    static ChatCall read(ObjectNode body, Cancellation cancellation) {
        Fields fields = new Fields(body, "");
        refuse(fields);
        ToolReader tools = ToolReader.read(fields);
        ChaiChatRequestParameters.Builder parameters = SamplingFields.read(fields, cancellation)
                .maxOutputTokens(maxTokens(fields)).toolSpecifications(tools.tools()).toolChoice(tools.choice())
                .responseFormat(responseFormat(fields)).returnThinking(true).enableThinking(enableThinking(fields));
        ChatRequest request = ChatRequest.builder().messages(MessageReader.read(fields)).parameters(parameters.build())
                .build();
        return new ChatCall(request, StreamChoice.read(fields), !fields.flag("parallel_tool_calls", true));
    }

    /** Refuses what OpenAI's API has and this endpoint does not; what neither knows is passed over. */
    private static void refuse(Fields fields) {
        SamplingFields.refuse(fields);
        fields.refuse("logprobs", "false", value -> value.isBoolean() && !value.booleanValue());
        fields.refuse("top_logprobs", "0", value -> value.isNumber() && value.intValue() == 0);
        fields.refuse("modalities", "[\"text\"]", value -> value.size() == 1 && value.path(0).asText().equals("text"));
        fields.refuse("audio", "nothing", value -> false);
        fields.refuse("functions", "'tools'", value -> value.isArray() && value.isEmpty());
        fields.refuse("function_call", "'tool_choice'", value -> false);
        fields.refuse("prediction", "nothing", value -> false);
        fields.refuse("web_search_options", "nothing", value -> false);
        fields.refuse("verbosity", "\"medium\"", value -> value.asText().equals("medium"));
        fields.refuse("store", "false", value -> value.isBoolean() && !value.booleanValue());
    }

    private static @Nullable Integer maxTokens(Fields fields) {
        Integer all = fields.count("max_completion_tokens");
        Integer older = fields.count("max_tokens");
        if (all != null && older != null && !all.equals(older)) {
            throw OpenAiException.wrong("max_tokens",
                    "'max_tokens' is the older name of 'max_completion_tokens': expected one of them, found " + older
                            + " and " + all);
        }
        return all == null ? older : all;
    }

    /** Of how much the model thinks only one thing can be said to a chat template: whether it does. */
    private static @Nullable Boolean enableThinking(Fields fields) {
        return fields.text("reasoning_effort").map(effort -> !effort.equals("none")).orElse(null);
    }

    private static @Nullable ResponseFormat responseFormat(Fields request) {
        JsonNode format = request.get("response_format");
        if (format == null) {
            return null;
        }
        Fields fields = Fields.of(format, "response_format");
        String type = fields.requiredText("type");
        return switch (type) {
            case "text" -> ResponseFormat.TEXT;
            case "json_object" -> ResponseFormat.JSON;
            case "json_schema" -> schema(Fields.of(fields.required("json_schema"), fields.path("json_schema")));
            default -> throw OpenAiException.wrong(fields.path("type"), "'" + fields.path("type")
                    + "' must be 'text', 'json_object' or 'json_schema', found '" + type + "'");
        };
    }

    private static ResponseFormat schema(Fields format) {
        JsonNode schema = format.required("schema");
        if (!schema.isObject()) {
            throw Fields.wrong(format.path("schema"), "an object", schema);
        }
        return ResponseFormat.builder().type(ResponseFormatType.JSON).jsonSchema(JsonSchema.builder()
                .name(format.requiredText("name")).rootElement(JsonRawSchema.from(schema.toString())).build()).build();
    }
}
