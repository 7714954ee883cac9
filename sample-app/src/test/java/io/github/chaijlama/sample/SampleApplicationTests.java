// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.TokenCountEstimator;
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

import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.langchain4j.ChaiEngine;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The sample as it is started, over real HTTP: once with CHAI on and once off, where messages do not wait for each
 * other.
 */
@Timeout(120)
class SampleApplicationTests {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    private static final String STORY = "Tell me a story about a fox named Ruby.";

    private static ConfigurableApplicationContext clustered;
    private static ConfigurableApplicationContext exact;

    @BeforeAll
    static void start() {
        clustered = SpringApplication.run(new Class<?>[]{ SampleApplication.class, HeldStreams.class },
                new String[]{ "--server.port=0", "--sample.conversations.store=memory" });
        exact = SpringApplication.run(SampleApplication.class, "--server.port=0", "--sample.conversations.store=memory",
                "--chai.enabled=false",
                "--sample.conversations.turn-wait=0s");
    }

    @AfterAll
    static void stop() {
        clustered.close();
        exact.close();
    }

    private static HttpRequest.Builder request(ConfigurableApplicationContext application, String path) {
        return HttpRequest.newBuilder(URI.create("http://localhost:" + port(application) + path))
                .header("Content-Type", "application/json");
    }

    private static int port(ConfigurableApplicationContext application) {
        return application.getEnvironment().getRequiredProperty("local.server.port", Integer.class);
    }

    private static String body(String conversationId, String message) {
        return MAPPER.writeValueAsString(Map.of("conversationId", conversationId, "message", message));
    }

    private static HttpResponse<String> post(ConfigurableApplicationContext application, String path, String body)
            throws IOException, InterruptedException {
        return CLIENT.send(request(application, path).POST(HttpRequest.BodyPublishers.ofString(body)).build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private static JsonNode ask(ConfigurableApplicationContext application, String conversationId, String message)
            throws IOException, InterruptedException {
        HttpResponse<String> response = post(application, "/api/chat", body(conversationId, message));
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return MAPPER.readTree(response.body());
    }

    /** Event names and their data. */
    private static List<Map.Entry<String, JsonNode>> stream(ConfigurableApplicationContext application,
            String conversationId, String message) throws IOException, InterruptedException {
        HttpResponse<String> response = post(application, "/api/chat/stream", body(conversationId, message));
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

    /** Returns the tokens of a prompt that consists of these messages in turn, the user's first. */
    private static int promptTokens(ConfigurableApplicationContext application, String... messages) {
        List<ChatMessage> conversation = new ArrayList<>();
        for (String message : messages) {
            conversation.add(conversation.size() % 2 == 0 ? UserMessage.from(message) : AiMessage.from(message));
        }
        int beginningAndStartOfAnswer = 2;
        return beginningAndStartOfAnswer
                + application.getBean(TokenCountEstimator.class).estimateTokenCountInMessages(conversation);
    }

    /** Finds what a story itself says; the model has a few ways to say it. */
    private static String fact(String story, String... ways) {
        return Stream.of(ways).map(way -> Pattern.compile(way).matcher(story)).filter(Matcher::find)
                .map(found -> found.group(1)).findFirst()
                .orElseThrow(() -> new AssertionError("none of " + List.of(ways) + " in: " + story));
    }

    /** Tells a story, then asks about it: the answers must be what the story that was told says. */
    @ParameterizedTest
    @CsvSource({ "fox, Ruby", "bear, Theo", "owl, Finn" })
    void answersFitTheStory(String animal, String name) throws Exception {
        for (ConfigurableApplicationContext application : List.of(clustered, exact)) {
            String first = "Tell me a story about a " + animal + " named " + name + ".";
            JsonNode told = ask(application, name, first);
            String story = told.path("reply").stringValue();
            assertThat(story).contains(name).contains(animal);
            assertThat(told.path("promptTokens").intValue()).isEqualTo(promptTokens(application, first));

            String helper = fact(story, "Then (\\w+) the \\w+ came to help", "Soon " + name + " met (\\w+) the",
                    " named (\\w+) stopped to help");
            assertThat(helper).as("the helper is somebody else").isNotEqualTo(name);
            String who = "Who helped " + name + "?";
            JsonNode helped = ask(application, name, who);
            assertThat(helped.path("reply").stringValue()).as(story).startsWith(helper + " ").contains("helped");
            assertThat(helped.path("promptTokens").intValue()).isEqualTo(promptTokens(application, first, story, who));

            String place = fact(story, name + " went to the (\\w+)", name + " walked all the way to the (\\w+)");
            assertThat(ask(application, name, "Where did " + name + " go?").path("reply").stringValue()).as(story)
                    .contains(place);
        }
    }

    @Test
    void onePropertyTurnsChaiOff() throws Exception {
        JsonNode on = ask(clustered, "on", STORY);
        JsonNode off = ask(exact, "off", STORY);
        assertThat(on.path("attention").stringValue()).isEqualTo("CLUSTERED");
        assertThat(off.path("attention").stringValue()).isEqualTo("EXACT");
        int stored = on.path("promptTokens").intValue() + on.path("generatedTokens").intValue() - 1;
        assertThat(on.path("kvCacheBytes").longValue()).isEqualTo(stored * 88L * 32 * 4);
        stored = off.path("promptTokens").intValue() + off.path("generatedTokens").intValue() - 1;
        assertThat(off.path("kvCacheBytes").longValue()).isEqualTo(stored * 96L * 32 * 4);
    }

    @Test
    void anotherTurnsToJlamasOwnAttention() throws Exception {
        try (ConfigurableApplicationContext stock = SpringApplication.run(SampleApplication.class, "--server.port=0",
                "--sample.conversations.store=memory",
                "--chai.attention=stock")) {
            JsonNode answer = ask(stock, "stock", STORY);
            assertThat(answer.path("attention").stringValue()).isEqualTo("STOCK");
            assertThat(answer.path("reply").stringValue()).contains("fox").contains("Ruby");
            assertThat(answer.path("kvCacheBytes").isNull()).as("Jlama does not tell").isTrue();
            assertThat(stream(stock, "stock", "Who helped Ruby?").getLast().getValue().path("promptTokens").intValue())
                    .isEqualTo(promptTokens(stock, STORY, answer.path("reply").stringValue(), "Who helped Ruby?"));
            HttpResponse<String> info = CLIENT.send(request(stock, "/api/info").GET().build(),
                    HttpResponse.BodyHandlers.ofString());
            assertThat(MAPPER.readTree(info.body()).path("attention").stringValue()).isEqualTo("STOCK");
            assertThat(MAPPER.readTree(info.body()).path("contextLength").intValue()).isEqualTo(2048);
        }
    }

    @Test
    void conversationsDoNotMix() throws Exception {
        ask(clustered, "left", STORY);
        ask(clustered, "right", "Tell me a story about a bear named Theo.");
        assertThat(ask(clustered, "left", "Who helped Ruby?").path("reply").stringValue()).contains("Ruby");
        assertThat(ask(clustered, "right", "Who helped Theo?").path("reply").stringValue()).contains("Theo");
        assertThat(ask(clustered, "new", "Hello!").path("promptTokens").intValue())
                .isEqualTo(promptTokens(clustered, "Hello!"));
    }

    @Test
    void streamsWhatTheBlockingTwinAnswers() throws Exception {
        String expected = ask(clustered, "blocking", STORY).path("reply")
                .stringValue();
        List<Map.Entry<String, JsonNode>> events = stream(clustered, "streaming",
                STORY);
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
        AtomicInteger tokens = new AtomicInteger();
        CountDownLatch left = new CountDownLatch(1);
        HeldStreams.beforeToken = () -> {
            if (tokens.incrementAndGet() == 2) {
                try {
                    left.await(); // the answer cannot end before the browser is gone
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        };
        // Not through CLIENT, which closes connections whenever it finds the time.
        try (Socket browser = new Socket("localhost", port(clustered))) {
            browser.setSoLinger(true, 0);
            browser.getOutputStream().write("""
                    POST /api/chat/stream HTTP/1.1\r
                    Host: localhost\r
                    Content-Type: application/json\r
                    Content-Length: %d\r
                    \r
                    %s""".formatted(body("leaving", STORY).length(), body("leaving", STORY))
                    .getBytes(StandardCharsets.US_ASCII));
            BufferedReader lines = new BufferedReader(
                    new InputStreamReader(browser.getInputStream(), StandardCharsets.UTF_8));
            assertThat(lines.readLine()).startsWith("HTTP/1.1 200");
            assertThat(lines.lines().anyMatch("event:token"::equals)).isTrue();
        } finally {
            left.countDown();
        }
        JsonNode next = ask(clustered, "leaving", "Hello!");
        assertThat(next.path("promptTokens").intValue()).as("neither the question nor half a story is remembered")
                .isEqualTo(promptTokens(clustered, "Hello!"));
        HeldStreams.beforeToken = () -> {};
        ChaiEngine engine = clustered.getBean(ChaiEngine.class);
        engine.textModel().closeIdleSequences();
        for (int i = 0; i < 100 && engine.textModel().model().kvCacheAllocatedBytes() > 0; i++) {
            Thread.sleep(50);
            engine.textModel().closeIdleSequences();
        }
        assertThat(engine.textModel().model().kvCacheAllocatedBytes()).isZero();
        assertThat(tokens.get()).as("tokens until the server noticed").isBetween(2,
                ask(clustered, "staying", STORY).path("generatedTokens").intValue() / 2);
    }

    @Test
    void messagesOfOneConversationAreAnsweredOneAfterAnother() throws Exception {
        List<CompletableFuture<HttpResponse<String>>> answers = IntStream.range(0, 4)
                .mapToObj(i -> CLIENT.sendAsync(request(clustered, "/api/chat")
                        .POST(HttpRequest.BodyPublishers.ofString(body("same", "Hello!"))).build(),
                        HttpResponse.BodyHandlers.ofString()))
                .toList();
        List<JsonNode> replies = new ArrayList<>();
        for (CompletableFuture<HttpResponse<String>> answer : answers) {
            assertThat(answer.get().statusCode()).as(answer.get().body()).isEqualTo(200);
            replies.add(MAPPER.readTree(answer.get().body()));
        }
        replies.sort(Comparator.comparing(reply -> reply.path("promptTokens").intValue()));
        List<String> conversation = new ArrayList<>();
        for (JsonNode reply : replies) {
            conversation.add("Hello!");
            assertThat(reply.path("promptTokens").intValue()).as("has seen the ones before")
                    .isEqualTo(promptTokens(clustered, conversation.toArray(String[]::new)));
            conversation.add(reply.path("reply").stringValue());
        }
    }

    @Test
    void aMessageThatComesWhileAnotherIsAnsweredForTooLongIsAConflict() throws Exception {
        try (Conversations.Turn _ = exact.getBean(Conversations.class)
                .begin(new ConversationKey(Browser.NOBODY, "busy"), UserMessage.from("Hello!"), ChatSettings.NONE)) {
            for (String path : List.of("/api/chat", "/api/chat/stream")) {
                HttpResponse<String> response = post(exact, path, body("busy", "Hello!"));
                assertThat(response.statusCode()).as(path).isEqualTo(409);
                assertThat(response.headers().firstValue("Content-Type").orElseThrow())
                        .isEqualTo("application/problem+json");
                assertThat(MAPPER.readTree(response.body()).path("detail").stringValue())
                        .contains("another message of this conversation is being answered");
            }
            ask(exact, "idle", "Hello!");
        }
        assertThat(ask(exact, "busy", "Hello!").path("promptTokens").intValue())
                .isEqualTo(promptTokens(exact, "Hello!"));
    }

    @Test
    void longConversationsForgetTheirBeginningInsteadOfFailing() throws Exception {
        List<String> conversation = new ArrayList<>();
        for (int i = 0; i < 14; i++) {
            conversation.add(STORY);
            conversation.add(ask(clustered, "long", STORY).path("reply").stringValue());
        }
        conversation.add("Hello!");
        int most = (int) (2048 * 0.6) + 2;
        assertThat(promptTokens(clustered, conversation.toArray(String[]::new))).as("all of it").isGreaterThan(most);
        // Whole turns are forgotten, as few as possible.
        while (promptTokens(clustered, conversation.toArray(String[]::new)) > most) {
            conversation.subList(0, 2).clear();
        }
        assertThat(ask(clustered, "long", "Hello!").path("promptTokens").intValue())
                .isEqualTo(promptTokens(clustered, conversation.toArray(String[]::new)));
    }

    @Test
    void aFullCacheIsToBeTriedAgainLaterAndNothingIsRemembered() throws Exception {
        int page = 128 * 32 * 4;
        try (ConfigurableApplicationContext small = SpringApplication.run(SampleApplication.class, "--server.port=0",
                "--sample.conversations.store=memory",
                "--chai.enabled=false", "--chai.kv-cache.max-memory=" + 100 * page + "B")) {
            assertThat(post(small, "/api/chat", body("full", "Hello! ".repeat(60))).statusCode())
                    .as("more than the whole budget").isEqualTo(400);
            try (ChaiSession other = small.getBean(ChaiEngine.class).textModel().model().newSession()) {
                other.feed(1, 2, 3);
                HttpResponse<String> response = post(small, "/api/chat", body("full", "Hello!"));
                assertThat(response.statusCode()).isEqualTo(503);
                assertThat(MAPPER.readTree(response.body()).path("detail").stringValue())
                        .contains("key/value cache is full").contains("end other sequences");
                List<Map.Entry<String, JsonNode>> events = stream(small, "full", "Hello!");
                assertThat(events).extracting(Map.Entry::getKey).containsExactly("error");
                assertThat(events.getFirst().getValue().path("error").stringValue())
                        .contains("key/value cache is full");
            }
            assertThat(ask(small, "full", "Hello!").path("promptTokens").intValue())
                    .isEqualTo(promptTokens(small, "Hello!"));
        }
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
            HttpResponse<String> response = post(clustered, path, json);
            assertThat(response.statusCode()).isEqualTo(400);
            assertThat(MAPPER.readTree(response.body()).path("detail").stringValue()).isEqualTo(message);
        }
    }

    @Test
    void aMessageBeyondTheContextIsABadRequestAndNotRemembered() throws Exception {
        String endless = "a story about a fox ".repeat(600);
        HttpResponse<String> response = post(clustered, "/api/chat", body("endless", endless));
        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(response.body()).contains("the model's context holds 2048 tokens");
        assertThat(stream(clustered, "endless", endless).getLast().getKey()).isEqualTo("error");
        assertThat(ask(clustered, "endless", "Hello!").path("promptTokens").intValue())
                .isEqualTo(promptTokens(clustered, "Hello!"));
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
