// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import java.nio.charset.StandardCharsets;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.request.json.JsonRawSchema;
import org.junit.jupiter.api.Test;

import io.github.chaijlama.generate.Cancellation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Requests of OpenAI's API in LangChain4j's words. */
class ChatCallTests {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private static ChatCall read(String json) {
        return ChatCall.read(Json.parse(json.getBytes(StandardCharsets.UTF_8)), new Cancellation());
    }

    private static ChatCall hello(String more) {
        return read("{\"messages\": [{\"role\": \"user\", \"content\": \"Hello!\"}]" + more + "}");
    }

    private static String tools(String parameters) {
        return ", \"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"one\", \"strict\": true"
                + parameters + "}}, {\"type\": \"function\", \"function\": {\"name\": \"two\"}}]";
    }

    @Test
    void messagesKeepTheirOrderAndParts() {
        assertThat(read("""
                {"messages": [
                  {"role": "system", "content": " "},
                  {"role": "developer", "content": "Be brief."},
                  {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
                  {"role": "assistant", "content": "c", "tool_calls": [
                    {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
                  {"role": "tool", "tool_call_id": "1", "content": ""},
                  {"role": "assistant", "content": ""}]}""").request().messages()).satisfiesExactly(
                system -> assertThat(((SystemMessage) system).text()).isEqualTo("Be brief."),
                user -> assertThat(((UserMessage) user).contents()).extracting(Object::toString)
                        .satisfiesExactly(a -> assertThat(a).contains("\"a\""), b -> assertThat(b).contains("\"b\"")),
                assistant -> {
                    assertThat(((AiMessage) assistant).text()).isEqualTo("c");
                    assertThat(((AiMessage) assistant).toolExecutionRequests()).singleElement()
                            .satisfies(call -> assertThat(call.name()).isEqualTo("f"));
                }, result -> {
                    assertThat(((ToolExecutionResultMessage) result).toolName()).as("known from the call")
                            .isEqualTo("f");
                    assertThat(((ToolExecutionResultMessage) result).text()).isEmpty();
                }, last -> assertThat(((AiMessage) last).text()).isEmpty());
    }

    @Test
    void schemasOfToolsStayAsTheyWereSent() throws Exception {
        String schema = "{\"type\": \"object\", \"description\": \"All.\", \"properties\": {\"a\": {\"type\": "
                + "\"integer\", \"minimum\": 1, \"multipleOf\": 3}, \"b\": {\"$ref\": \"#/$defs/n\"}}, \"required\": "
                + "[\"a\"], \"additionalProperties\": false, \"$defs\": {\"n\": {\"enum\": [1, null]}}}";
        JsonNode sent = MAPPER.readTree(schema);
        ChatRequestParameters parameters = hello(tools(", \"parameters\": " + schema)).request().parameters();
        assertThat(parameters.toolSpecifications()).hasSize(2);
        assertThat(MAPPER.readTree(parameters.toolSpecifications().get(0).toJson()).path("parameters"))
                .isEqualTo(sent);
        assertThat(parameters.toolSpecifications().get(1).parameters()).isNull();
        assertThat(parameters.toolChoice()).isNull();
    }

    @Test
    void aToolThatMustBeCalledIsTheOnlyOne() {
        ChatRequestParameters parameters = hello(
                tools("") + ", \"tool_choice\": {\"type\": \"function\", \"function\": {\"name\": \"two\"}}").request()
                .parameters();
        assertThat(parameters.toolChoice()).isEqualTo(ToolChoice.REQUIRED);
        assertThat(parameters.toolSpecifications()).singleElement()
                .satisfies(tool -> assertThat(tool.name()).isEqualTo("two"));
        assertThatThrownBy(() -> hello(
                tools("") + ", \"tool_choice\": {\"type\": \"function\", \"function\": {\"name\": \"three\"}}"))
                .isInstanceOf(OpenAiException.class).hasMessageContaining("must be one of 'tools', found 'three'");
        assertThatThrownBy(() -> hello(tools("") + ", \"tool_choice\": {\"type\": \"custom\"}"))
                .isInstanceOf(OpenAiException.class).hasMessageContaining("'tool_choice.type' is not supported");
    }

    @Test
    void choicesOfToolsAreLangChain4js() {
        assertThat(hello(tools("") + ", \"tool_choice\": \"none\"").request().parameters().toolChoice())
                .isEqualTo(ToolChoice.NONE);
        assertThat(hello(tools("") + ", \"tool_choice\": \"auto\"").request().parameters().toolChoice())
                .isEqualTo(ToolChoice.AUTO);
        assertThat(hello(tools("") + ", \"tool_choice\": \"required\"").request().parameters().toolSpecifications())
                .hasSize(2);
    }

    @Test
    void formatsStayAsTheyWereSent() {
        ChatRequestParameters parameters = hello(", \"response_format\": {\"type\": \"json_schema\", \"json_schema\": "
                + "{\"name\": \"n\", \"schema\": {\"type\":\"array\",\"items\":{\"minLength\":2}}}}").request()
                .parameters();
        assertThat(((JsonRawSchema) parameters.responseFormat().jsonSchema().rootElement()).schema())
                .isEqualTo("{\"type\":\"array\",\"items\":{\"minLength\":2}}");
        assertThat(hello("").request().parameters().responseFormat()).isNull();
    }

    @Test
    void twoLimitsMustBeTheSame() {
        assertThat(hello(", \"max_tokens\": 5, \"max_completion_tokens\": 5").request().parameters().maxOutputTokens())
                .isEqualTo(5);
        assertThatThrownBy(() -> hello(", \"max_tokens\": 5, \"max_completion_tokens\": 6"))
                .isInstanceOf(OpenAiException.class).hasMessageContaining("found 5 and 6");
    }
}
