// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import java.util.List;
import java.util.stream.Collectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.chaijlama.langchain4j.SpokenEngine;
import io.github.chaijlama.schedule.SchedulerLimits;

import static org.assertj.core.api.Assertions.assertThat;

/** Chats over HTTP, fields of answers and events as OpenAI's API has them, with Pocket that says what it is told to. */
@Tag("boot-lines")
@Timeout(300)
class ChatCompletionsTests {
    private static final String CHAT = "/chat/completions";
    private static final String HELLO = "\"model\": \"pocket\", \"messages\": [{\"role\": \"user\", \"content\": "
            + "\"Hello!\"}]";
    private static final String TOOLS = ", \"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"add\", "
            + "\"description\": \"Adds.\", \"parameters\": {\"type\": \"object\", \"title\": \"Add\", \"properties\": "
            + "{\"a\": {\"type\": \"integer\", \"minimum\": 1}, \"b\": {\"$ref\": \"#/$defs/n\"}}, \"required\": "
            + "[\"a\"], \"additionalProperties\": false, \"$defs\": {\"n\": {\"type\": \"integer\"}}}}}]";
    private static final String ADD = "{\"name\": \"add\", \"parameters\": {\"a\": 12, \"b\": 30}}";

    private static SpokenEngine engine;
    private static OpenAiServer server;

    @BeforeAll
    static void start() {
        engine = SpokenEngine.load(SchedulerLimits.DEFAULT);
        server = OpenAiServer.of(engine.engine(), "chai.chat.temperature=0.25");
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static String hello(String more) {
        return "{" + HELLO + more + "}";
    }

    private static List<JsonNode> deltas(List<JsonNode> events) {
        return events.stream().map(event -> event.path("choices").path(0).path("delta")).toList();
    }

    private static String joined(List<JsonNode> events, String field) {
        return deltas(events).stream().map(delta -> delta.path(field).asText("")).collect(Collectors.joining());
    }

    @Test
    void aWholeAnswerHasWhatClientsLookFor() throws Exception {
        engine.say("Good day, Rubén!");
        JsonNode answer = server.answer(CHAT, hello(""));

        assertThat(answer.path("id").asText()).matches("chatcmpl-[0-9a-f]{32}");
        assertThat(answer.path("object").asText()).isEqualTo("chat.completion");
        assertThat(answer.path("created").asLong()).isGreaterThan(1_700_000_000L);
        assertThat(answer.path("model").asText()).isEqualTo("pocket");
        assertThat(answer.path("choices")).singleElement().satisfies(choice -> {
            assertThat(choice.path("index").asInt(-1)).isZero();
            assertThat(choice.path("finish_reason").asText()).isEqualTo("stop");
            assertThat(choice.path("message")).isEqualTo(new ObjectMapper().readTree(
                    "{\"role\": \"assistant\", \"content\": \"Good day, Rubén!\", \"refusal\": null}"));
        });
        JsonNode usage = answer.path("usage");
        assertThat(usage.path("prompt_tokens").asInt()).isPositive();
        assertThat(usage.path("completion_tokens").asInt()).isGreaterThan(3);
        assertThat(usage.path("total_tokens").asInt())
                .isEqualTo(usage.path("prompt_tokens").asInt() + usage.path("completion_tokens").asInt());

        JsonNode again = server.answer(CHAT, hello(""));
        assertThat(again.path("usage").path("prompt_tokens_details").path("cached_tokens").asInt()).isPositive();
    }

    @Test
    void eventsBeginWithTheRoleAndEndWithAReason() throws Exception {
        engine.say("Good day, Rubén!");
        List<JsonNode> events = server.events(CHAT, hello(", \"stream\": true"));

        assertThat(events).allSatisfy(event -> {
            assertThat(event.path("object").asText()).isEqualTo("chat.completion.chunk");
            assertThat(event.path("id").asText()).startsWith("chatcmpl-").isEqualTo(events.get(0).path("id").asText());
            assertThat(event.path("model").asText()).isEqualTo("pocket");
            assertThat(event.has("usage")).isFalse();
            assertThat(event.path("choices")).hasSize(1);
        });
        assertThat(deltas(events).get(0).path("role").asText()).isEqualTo("assistant");
        assertThat(deltas(events).subList(1, events.size())).noneMatch(delta -> delta.has("role"));
        assertThat(joined(events, "content")).isEqualTo("Good day, Rubén!");
        assertThat(events).extracting(event -> event.path("choices").path(0).path("finish_reason").asText())
                .endsWith("stop").containsOnlyOnce("stop");
        assertThat(events).as("one by one").hasSizeGreaterThan(4);
    }

    @Test
    void theLastEventHasTheUsageIfItIsAskedFor() throws Exception {
        engine.say("Good day!");
        List<JsonNode> events = server.events(CHAT,
                hello(", \"stream\": true, \"stream_options\": {\"include_usage\": true}"));

        JsonNode last = events.get(events.size() - 1);
        assertThat(last.path("choices")).isEmpty();
        assertThat(last.path("usage").path("completion_tokens").asInt()).isPositive();
        assertThat(events.subList(0, events.size() - 1)).allSatisfy(event -> {
            assertThat(event.path("usage").isNull()).isTrue();
            assertThat(event.path("choices")).hasSize(1);
        });
    }

    @Test
    void callsOfToolsComeWholeAndInParts() throws Exception {
        engine.say("I shall add. " + ADD);
        JsonNode choice = server.answer(CHAT, hello(TOOLS)).path("choices").path(0);
        assertThat(choice.path("finish_reason").asText()).isEqualTo("tool_calls");
        JsonNode call = choice.path("message").path("tool_calls").path(0);
        assertThat(call.path("id").asText()).isNotBlank();
        assertThat(call.path("type").asText()).isEqualTo("function");
        assertThat(call.path("function").path("name").asText()).isEqualTo("add");
        assertThat(call.path("function").path("arguments").asText()).isEqualTo("{\"a\": 12, \"b\": 30}");
        assertThat(engine.prompt()).as("as Pocket is told of tools").contains("add(a, b)");

        List<JsonNode> events = server.events(CHAT, hello(TOOLS + ", \"stream\": true"));
        List<JsonNode> parts = deltas(events).stream().map(delta -> delta.path("tool_calls").path(0))
                .filter(part -> !part.isMissingNode()).toList();
        assertThat(parts).hasSizeGreaterThan(1).allSatisfy(part -> assertThat(part.path("index").asInt(-1)).isZero());
        assertThat(parts.get(0).path("id").asText()).isNotBlank();
        assertThat(parts.get(0).path("function").path("name").asText()).isEqualTo("add");
        assertThat(parts.subList(1, parts.size()))
                .noneMatch(part -> part.has("id") || part.at("/function").has("name"));
        assertThat(parts.stream().map(part -> part.at("/function/arguments").asText()).collect(Collectors.joining()))
                .isEqualTo("{\"a\": 12, \"b\": 30}");
        assertThat(joined(events, "content")).isEqualTo("I shall add.");
    }

    @Test
    void toolChoiceIsKept() throws Exception {
        engine.say(ADD);
        assertThat(server.answer(CHAT, hello(TOOLS + ", \"tool_choice\": \"required\"")).at("/choices/0/message/"
                + "tool_calls/0/function/name").asText()).isEqualTo("add");
        assertThat(server.answer(CHAT, hello(TOOLS + ", \"tool_choice\": {\"type\": \"function\", \"function\": "
                + "{\"name\": \"add\"}}")).at("/choices/0/finish_reason").asText()).isEqualTo("tool_calls");
        JsonNode none = server.answer(CHAT, hello(TOOLS + ", \"tool_choice\": \"none\"")).at("/choices/0");
        assertThat(none.at("/message").has("tool_calls")).isFalse();
        assertThat(none.at("/message/content").asText()).isEqualTo(ADD);
    }

    @Test
    void oneCallIsEnoughWhereMoreAreNotWanted() throws Exception {
        engine.say(ADD + ADD);
        String one = hello(TOOLS + ", \"parallel_tool_calls\": false");
        assertThat(server.answer(CHAT, hello(TOOLS)).at("/choices/0/message/tool_calls")).hasSize(2);
        assertThat(server.answer(CHAT, one).at("/choices/0/message/tool_calls")).hasSize(1);
        List<JsonNode> events = server.events(CHAT, one.replace("\"model\"", "\"stream\": true, \"model\""));
        assertThat(deltas(events)).noneMatch(delta -> delta.at("/tool_calls/0/index").asInt(0) > 0);
    }

    @Test
    void resultsOfToolsGoToTheModel() throws Exception {
        engine.say("12 plus 30 is 42.");
        JsonNode answer = server.answer(CHAT, "{\"model\": \"pocket\", \"messages\": [{\"role\": \"developer\", "
                + "\"content\": \"Be brief.\"}, {\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": "
                + "\"What is 12\"}, {\"type\": \"text\", \"text\": \"plus 30?\"}]}, {\"role\": \"assistant\", "
                + "\"content\": null, \"tool_calls\": [{\"id\": \"c1\", \"type\": \"function\", \"function\": "
                + "{\"name\": \"add\", \"arguments\": \"{\\\"a\\\": 12}\"}}]}, {\"role\": \"tool\", "
                + "\"tool_call_id\": \"c1\", \"content\": \"42\"}]" + TOOLS + "}");
        assertThat(answer.at("/choices/0/message/content").asText()).isEqualTo("12 plus 30 is 42.");
        assertThat(engine.prompt()).contains("Be brief.", "What is 12\nplus 30?", "\"a\": 12", "42");
    }

    @Test
    void formatsAreKept() throws Exception {
        engine.say("{\"n\": 7}");
        String schema = ", \"response_format\": {\"type\": \"json_schema\", \"json_schema\": {\"name\": \"n\", "
                + "\"strict\": true, \"schema\": {\"type\": \"object\", \"properties\": {\"n\": {\"type\": "
                + "\"integer\", \"maximum\": 9}}, \"required\": [\"n\"], \"additionalProperties\": false}}}";
        assertThat(server.answer(CHAT, hello(schema)).at("/choices/0/message/content").asText())
                .isEqualToIgnoringWhitespace("{\"n\": 7}");
        assertThat(server.answer(CHAT, hello(", \"response_format\": {\"type\": \"json_object\"}"))
                .at("/choices/0/message/content").asText()).isEqualToIgnoringWhitespace("{\"n\": 7}");
        assertThat(server.post(CHAT, hello(schema.replace("9}", "6}"))).statusCode())
                .as("the script says what the schema does not allow").isEqualTo(500);
        engine.say("Seven.");
        assertThat(server.answer(CHAT, hello(", \"response_format\": {\"type\": \"text\"}"))
                .at("/choices/0/message/content").asText()).isEqualTo("Seven.");
    }

    @Test
    void answersEndWhereTheyAreToEnd() throws Exception {
        engine.say("One fish, two fish, red fish.");
        assertThat(server.answer(CHAT, hello(", \"stop\": \" two\"")).at("/choices/0/message/content").asText())
                .isEqualTo("One fish,");
        JsonNode stopped = server.answer(CHAT, hello(", \"stop\": [\" blue\", \" red\"]"));
        assertThat(stopped.at("/choices/0/message/content").asText()).isEqualTo("One fish, two fish,");
        assertThat(stopped.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
        for (String name : List.of("max_tokens", "max_completion_tokens")) {
            JsonNode cut = server.answer(CHAT, hello(", \"" + name + "\": 2"));
            assertThat(cut.at("/choices/0/finish_reason").asText()).isEqualTo("length");
            assertThat(cut.at("/usage/completion_tokens").asInt()).isEqualTo(2);
        }
    }

    @Test
    void samplingIsWhatTheRequestSaysOrElseTheProperties() throws Exception {
        engine.say("Yes.");
        server.answer(CHAT, hello(", \"temperature\": 1.5, \"top_p\": 0.5, \"frequency_penalty\": 0.75, "
                + "\"presence_penalty\": -1, \"seed\": 4711"));
        assertThat(engine.sampling().temperature()).isEqualTo(1.5);
        assertThat(engine.sampling().topP()).isEqualTo(0.5);
        assertThat(engine.sampling().seed()).contains(4711L);
        assertThat(engine.sampling().penalties().frequency()).isEqualTo(0.75);
        assertThat(engine.sampling().penalties().presence()).isEqualTo(-1);

        server.answer(CHAT, hello(", \"seed\": null"));
        assertThat(engine.sampling().temperature()).isEqualTo(0.25);
        assertThat(engine.sampling().seed()).isEmpty();
    }

    @Test
    void whatNobodyKnowsIsPassedOver() throws Exception {
        engine.say("Yes.");
        JsonNode answer = server.answer(CHAT, hello(", \"frobnicate\": {\"deep\": [1]}, \"user\": \"u\", \"metadata\": "
                + "{\"a\": \"b\"}, \"n\": 1, \"logprobs\": false, \"store\": false, \"service_tier\": \"auto\", "
                + "\"modalities\": [\"text\"], \"logit_bias\": {}, \"top_logprobs\": null"));
        assertThat(answer.at("/choices/0/message/content").asText()).isEqualTo("Yes.");
    }
}
