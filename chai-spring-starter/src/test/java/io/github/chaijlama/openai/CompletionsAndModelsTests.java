// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import java.net.http.HttpResponse;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.langchain4j.ChaiStreamingChatModel;
import io.github.chaijlama.langchain4j.ChaiStreamingLanguageModel;
import io.github.chaijlama.langchain4j.SpokenEngine;
import io.github.chaijlama.schedule.SchedulerLimits;

import static org.assertj.core.api.Assertions.assertThat;

/** Continued texts, and several models by name. */
@Tag("boot-lines")
@Timeout(300)
class CompletionsAndModelsTests {
    private static final String COMPLETIONS = "/completions";
    private static final String FINN = "\"model\": \"pocket\", \"prompt\": \"Finn was\"";

    private static SpokenEngine engine;
    private static OpenAiServer server;

    /** An application with two more models than the properties give it: another name, and one for chats only. */
    @BeforeAll
    static void start() {
        engine = SpokenEngine.load(SchedulerLimits.DEFAULT);
        ChaiStreamingChatModel chat = ChaiStreamingChatModel.builder().engine(engine.engine()).build();
        ChaiStreamingLanguageModel language = ChaiStreamingLanguageModel.builder().engine(engine.engine())
                .temperature(0.75).repetitionPenalty(1.25).build();
        server = OpenAiServer.start(beans -> beans.registerBean(ServedModels.class,
                () -> () -> List.of(new ServedModel("pocket", chat, Optional.of(language)),
                        new ServedModel("owner/pocket é", chat, Optional.of(language)),
                        new ServedModel("chatty", chat, Optional.empty()))),
                "spring.autoconfigure.exclude=io.github.chaijlama.spring.ChaiAutoConfiguration");
    }

    @AfterAll
    static void stop() {
        server.close();
        engine.engine().close();
    }

    @Test
    void aTextIsContinued() throws Exception {
        engine.say(" a lucky owl. He lived near the meadow, by the old mill, with a duck and a very small bear.");
        JsonNode answer = server.answer(COMPLETIONS, "{" + FINN + ", \"max_tokens\": 200}");
        assertThat(answer.path("id").asText()).matches("cmpl-[0-9a-f]{32}");
        assertThat(answer.path("object").asText()).isEqualTo("text_completion");
        assertThat(answer.path("model").asText()).isEqualTo("pocket");
        assertThat(answer.path("choices")).singleElement().satisfies(choice -> {
            assertThat(choice.path("text").asText()).startsWith(" a lucky owl. He").endsWith("small bear.");
            assertThat(choice.path("finish_reason").asText()).isEqualTo("stop");
            assertThat(choice.path("logprobs").isNull()).isTrue();
        });
        assertThat(answer.at("/usage/prompt_tokens").asInt()).isPositive();
        assertThat(engine.prompt()).as("no chat template").doesNotContain("assistant").endsWith("Finn was");

        JsonNode cut = server.answer(COMPLETIONS, "{" + FINN.replace("\"Finn was\"", "[\"Finn was\"]") + "}");
        assertThat(cut.at("/usage/completion_tokens").asInt()).as("OpenAI's default").isEqualTo(16);
        assertThat(cut.at("/choices/0/finish_reason").asText()).isEqualTo("length");
    }

    @Test
    void itComesInEventsToo() throws Exception {
        engine.say(" a lucky owl.");
        List<JsonNode> events = server.events(COMPLETIONS,
                "{" + FINN + ", \"stream\": true, \"stream_options\": {\"include_usage\": true}}");
        assertThat(events.stream().map(event -> event.at("/choices/0/text").asText()).collect(Collectors.joining()))
                .isEqualTo(" a lucky owl.");
        JsonNode last = events.get(events.size() - 1);
        assertThat(last.path("choices")).isEmpty();
        assertThat(last.at("/usage/total_tokens").asInt()).isPositive();
        assertThat(events.get(events.size() - 2).at("/choices/0/finish_reason").asText()).isEqualTo("stop");
    }

    @Test
    void samplingIsWhatTheRequestSaysOrElseTheModel() throws Exception {
        engine.say(" a lucky owl.");
        JsonNode answer = server.answer(COMPLETIONS, "{" + FINN + ", \"temperature\": 1.5, \"top_p\": 0.5, "
                + "\"frequency_penalty\": 0.5, \"presence_penalty\": 1, \"seed\": 3, \"stop\": [\" owl\"]}");
        assertThat(answer.at("/choices/0/text").asText()).isEqualTo(" a lucky");
        assertThat(engine.sampling().temperature()).isEqualTo(1.5);
        assertThat(engine.sampling().topP()).isEqualTo(0.5);
        assertThat(engine.sampling().seed()).contains(3L);
        assertThat(engine.sampling().penalties().frequency()).isEqualTo(0.5);
        assertThat(engine.sampling().penalties().presence()).isEqualTo(1);
        assertThat(engine.sampling().penalties().repetition()).isEqualTo(1.25);
        server.answer(COMPLETIONS, "{" + FINN + "}");
        assertThat(engine.sampling().temperature()).isEqualTo(0.75);
    }

    @Test
    void modelsAreListedAndDescribed() throws Exception {
        ObjectMapper mapper = new ObjectMapper();
        JsonNode list = mapper.readTree(server.get("/models").body());
        assertThat(list.path("object").asText()).isEqualTo("list");
        assertThat(list.path("data")).extracting(model -> model.path("id").asText()).containsExactly("pocket",
                "owner/pocket é", "chatty");
        assertThat(list.path("data")).allSatisfy(model -> {
            assertThat(model.path("object").asText()).isEqualTo("model");
            assertThat(model.path("owned_by").asText()).isEqualTo("chai");
            assertThat(model.path("created").asLong()).isGreaterThan(1_700_000_000L);
        });
        assertThat(mapper.readTree(server.get("/models/owner/pocket%20%C3%A9").body()))
                .isEqualTo(list.path("data").path(1));
        assertThat(mapper.readTree(server.get("/models/pocket").body())).isEqualTo(list.path("data").path(0));
    }

    /** What the server does not refuse itself is a name, decoded once, and of no model. */
    @ParameterizedTest
    @ValueSource(strings = { "owner%2Fpocket%20%C3%A9", "owner%2fpocket%20%C3%A9", "owner%5Cpocket%20%C3%A9",
            "pocket%00", "..%2Fmodels%2Fpocket", "%2e%2e%2fhealth", "owner%252Fpocket%20%C3%A9", "%2570ocket",
            "pocket;x=y", "pocket/", "//pocket", "owner/pocket+%C3%A9" })
    void namesAreNotDecodedToOthers(String name) throws Exception {
        HttpResponse<String> response = server.get("/models/" + name);
        assertThat(response.statusCode()).as(response.body()).isIn(400, 404);
        assertThat(response.body()).doesNotContain("\"object\":\"model\"", "\tat ");
        assertThat(server.get("/models/%70ocket").statusCode()).as("letters are").isEqualTo(200);
    }

    @Test
    void requestsNameTheModel() throws Exception {
        engine.say("Yes.");
        JsonNode answer = server.answer("/chat/completions",
                "{\"model\": \"owner/pocket é\", \"messages\": [{\"role\": "
                        + "\"user\", \"content\": \"Hello!\"}]}");
        assertThat(answer.path("model").asText()).isEqualTo("owner/pocket é");
        JsonNode error = OpenAiServer.error(server.post(COMPLETIONS, "{\"model\": \"chatty\", \"prompt\": \"a\"}"));
        assertThat(error.path("message").asText()).contains("'chatty' is for chats only");
    }
}
