// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

import io.github.chaijlama.langchain4j.ChaiEngine;

import static org.assertj.core.api.Assertions.assertThat;

/** The sample as it is started, over real HTTP: once with CHAI on and once off. */
@Timeout(120)
class SampleApplicationTests {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    private static ConfigurableApplicationContext clustered;
    private static ConfigurableApplicationContext exact;

    @BeforeAll
    static void start() {
        clustered = SpringApplication.run(SampleApplication.class, "--server.port=0");
        exact = SpringApplication.run(SampleApplication.class, "--server.port=0", "--chai.enabled=false");
    }

    @AfterAll
    static void stop() {
        clustered.close();
        exact.close();
    }

    private static HttpRequest.Builder request(ConfigurableApplicationContext application, String path) {
        String port = application.getEnvironment().getProperty("local.server.port");
        return HttpRequest.newBuilder(URI.create("http://localhost:" + port + path)).header("Content-Type",
                "application/json");
    }

    private static String body(String conversationId, String message) {
        return MAPPER.writeValueAsString(Map.of("conversationId", conversationId, "message", message));
    }

    private static JsonNode ask(ConfigurableApplicationContext application, String conversationId, String message)
            throws IOException, InterruptedException {
        HttpResponse<String> response = CLIENT.send(request(application, "/api/chat")
                .POST(HttpRequest.BodyPublishers.ofString(body(conversationId, message))).build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return MAPPER.readTree(response.body());
    }

    /** Event names and their data. */
    private static List<Map.Entry<String, JsonNode>> stream(ConfigurableApplicationContext application,
            String conversationId, String message) throws IOException, InterruptedException {
        HttpResponse<String> response = CLIENT.send(request(application, "/api/chat/stream")
                .POST(HttpRequest.BodyPublishers.ofString(body(conversationId, message))).build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        assertThat(response.headers().firstValue("Content-Type").orElseThrow()).startsWith("text/event-stream");
        List<Map.Entry<String, JsonNode>> events = new ArrayList<>();
        for (String event : response.body().split("\n\n")) {
            String[] lines = event.split("\n");
            events.add(Map.entry(lines[0].substring("event:".length()),
                    MAPPER.readTree(lines[1].substring("data:".length()))));
        }
        return events;
    }

    /** Tells a story, then asks about it; the answers must be found in the story that was told. */
    @ParameterizedTest
    @CsvSource({ "fox, Ruby", "bear, Theo", "owl, Finn" })
    void answersFitTheStory(String animal, String name) throws Exception {
        for (ConfigurableApplicationContext application : List.of(clustered, exact)) {
            String story = ask(application, name, "Tell me a story about a " + animal + " named " + name + ".")
                    .path("reply").stringValue();
            assertThat(story).contains(name).contains(animal);
            for (String question : List.of("Who helped " + name + "?", "What did " + name + " find?",
                    "Where did " + name + " go?")) {
                String answer = ask(application, name, question).path("reply").stringValue();
                String last = answer.replaceAll("\\W+$", "").replaceAll(".*\\b(the|a|an) ", "");
                String fact = question.startsWith("Who") ? answer.split(" ")[0] : last;
                assertThat(story).as("%s %s", question, answer).contains(fact);
            }
        }
    }

    @Test
    void onePropertyTurnsChaiOff() throws Exception {
        JsonNode on = ask(clustered, "on", "Tell me a story about a fox named Ruby.");
        JsonNode off = ask(exact, "off", "Tell me a story about a fox named Ruby.");
        assertThat(on.path("attention").stringValue()).isEqualTo("CLUSTERED");
        assertThat(off.path("attention").stringValue()).isEqualTo("EXACT");
        int stored = on.path("promptTokens").intValue() + on.path("generatedTokens").intValue() - 1;
        assertThat(on.path("kvCacheBytes").longValue()).isEqualTo(stored * 88L * 32 * 4);
        stored = off.path("promptTokens").intValue() + off.path("generatedTokens").intValue() - 1;
        assertThat(off.path("kvCacheBytes").longValue()).isEqualTo(stored * 96L * 32 * 4);
    }

    @Test
    void conversationsDoNotMix() throws Exception {
        ask(clustered, "left", "Tell me a story about a fox named Ruby.");
        ask(clustered, "right", "Tell me a story about a bear named Theo.");
        assertThat(ask(clustered, "left", "Who helped Ruby?").path("reply").stringValue()).contains("Ruby");
        assertThat(ask(clustered, "right", "Who helped Theo?").path("reply").stringValue()).contains("Theo");
        int alone = ask(clustered, "new", "Hello!").path("promptTokens").intValue();
        assertThat(alone).isLessThan(20);
    }

    @Test
    void streamsWhatTheBlockingTwinAnswers() throws Exception {
        String expected = ask(clustered, "blocking", "Tell me a story about a fox named Ruby.").path("reply")
                .stringValue();
        List<Map.Entry<String, JsonNode>> events = stream(clustered, "streaming",
                "Tell me a story about a fox named Ruby.");
        StringBuilder text = new StringBuilder();
        for (Map.Entry<String, JsonNode> event : events.subList(0, events.size() - 1)) {
            assertThat(event.getKey()).isEqualTo("token");
            text.append(event.getValue().path("text").stringValue());
        }
        assertThat(events.getLast().getKey()).isEqualTo("done");
        assertThat(text.toString()).isEqualTo(expected);
        assertThat(events.getLast().getValue().path("reply").stringValue()).isEqualTo(expected);
        assertThat(stream(clustered, "streaming", "Who helped Ruby?").getLast().getValue().path("reply").stringValue())
                .as("remembers").contains("Ruby");
    }

    @Test
    void aStreamThatIsLeftIsCancelledAndTheConversationGoesOn() throws Exception {
        HttpResponse<InputStream> response = CLIENT.send(request(clustered, "/api/chat/stream")
                .POST(HttpRequest.BodyPublishers.ofString(body("leaving", "Tell me a story about a fox named Ruby.")))
                .build(), HttpResponse.BodyHandlers.ofInputStream());
        assertThat(response.body().readNBytes(20)).hasSize(20);
        response.body().close();
        JsonNode next = ask(clustered, "leaving", "Hello!");
        assertThat(next.path("promptTokens").intValue()).as("the story is not remembered").isLessThan(20);
        ChaiEngine engine = clustered.getBean(ChaiEngine.class);
        for (int i = 0; i < 100 && engine.textModel().model().kvCacheAllocatedBytes() > 0; i++) {
            Thread.sleep(50);
        }
        assertThat(engine.textModel().model().kvCacheAllocatedBytes()).isZero();
    }

    @Test
    void messagesOfOneConversationAreAnsweredOneAfterAnother() throws Exception {
        List<CompletableFuture<HttpResponse<String>>> answers = IntStream.range(0, 6)
                .mapToObj(i -> CLIENT.sendAsync(request(clustered, "/api/chat")
                        .POST(HttpRequest.BodyPublishers.ofString(body("same", "Hello!"))).build(),
                        HttpResponse.BodyHandlers.ofString()))
                .toList();
        List<Integer> prompts = new ArrayList<>();
        for (CompletableFuture<HttpResponse<String>> answer : answers) {
            assertThat(answer.get().statusCode()).isEqualTo(200);
            prompts.add(MAPPER.readTree(answer.get().body()).path("promptTokens").intValue());
        }
        assertThat(prompts.stream().distinct().count()).as("each has seen the ones before").isEqualTo(6);
    }

    @Test
    void longConversationsForgetTheirBeginningInsteadOfFailing() throws Exception {
        for (int i = 0; i < 14; i++) {
            ask(clustered, "long", "Tell me a story about a fox named Ruby.");
        }
        assertThat(ask(clustered, "long", "Hello!").path("promptTokens").intValue()).isBetween(500, 1400);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {                                         | expected a JSON object with conversationId and message
            {"conversationId": "a"}                   | message must not be empty
            {"conversationId": "a", "message": " "}   | message must not be empty
            {"message": "Hello!"}                     | conversationId must not be empty
            """)
    void badRequestsSayWhatIsWrong(String json, String message) throws Exception {
        for (String path : List.of("/api/chat", "/api/chat/stream")) {
            HttpResponse<String> response = CLIENT.send(
                    request(clustered, path).POST(HttpRequest.BodyPublishers.ofString(json)).build(),
                    HttpResponse.BodyHandlers.ofString());
            assertThat(response.statusCode()).isEqualTo(400);
            assertThat(MAPPER.readTree(response.body()).path("detail").stringValue()).isEqualTo(message);
        }
    }

    @Test
    void aMessageBeyondTheContextIsABadRequestAndNotRemembered() throws Exception {
        String endless = "a story about a fox ".repeat(600);
        HttpResponse<String> response = CLIENT.send(request(clustered, "/api/chat")
                .POST(HttpRequest.BodyPublishers.ofString(body("endless", endless))).build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(response.body()).contains("the model's context holds 2048 tokens");
        assertThat(stream(clustered, "endless", endless).getLast().getKey()).isEqualTo("error");
        assertThat(ask(clustered, "endless", "Hello!").path("promptTokens").intValue()).isLessThan(20);
    }

    @Test
    void theStartPageAndItsFactsAreServed() throws Exception {
        HttpResponse<String> page = CLIENT.send(request(clustered, "/").GET().build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(page.statusCode()).isEqualTo(200);
        assertThat(page.body()).contains("Chat with Pocket").contains("/api/chat").contains("enabled: true");
        HttpResponse<String> info = CLIENT.send(request(clustered, "/api/info").GET().build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(MAPPER.readTree(info.body()).path("attention").stringValue()).isEqualTo("CLUSTERED");
        assertThat(MAPPER.readTree(info.body()).path("model").stringValue()).isEqualTo("pocket");
    }
}
