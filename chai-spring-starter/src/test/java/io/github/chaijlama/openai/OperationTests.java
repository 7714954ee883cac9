// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import java.net.Socket;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

import com.fasterxml.jackson.databind.JsonNode;
import io.micrometer.core.instrument.MeterRegistry;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.support.GenericApplicationContext;

import io.github.chaijlama.langchain4j.SpokenEngine;
import io.github.chaijlama.schedule.Scheduler;
import io.github.chaijlama.schedule.SchedulerLimits;

import static org.assertj.core.api.Assertions.assertThat;

/** The endpoint when there is too much to do, when clients go away, when something fails, and when the end is near. */
@Tag("boot-lines")
@Timeout(300)
class OperationTests {
    private static final String CHAT = "/chat/completions";
    private static final String HELLO = "{\"model\": \"pocket\", \"messages\": [{\"role\": \"user\", \"content\": "
            + "\"Hello!\"}]}";
    private static final String STREAM = HELLO.replace("{\"model\"", "{\"stream\": true, \"model\"");
    private static final String TEXT = "{\"model\": \"pocket\", \"prompt\": \"Finn was\", \"max_tokens\": 1000}";
    /** Slow enough that no answer of a full context ends while a test runs. */
    private static final SpokenEngine.Pace SLOW = number -> Thread.sleep(50);

    private static void awaitThat(BooleanSupplier condition) throws InterruptedException {
        for (int i = 0; i < 6000 && !condition.getAsBoolean(); i++) {
            Thread.sleep(10);
        }
        assertThat(condition.getAsBoolean()).isTrue();
    }

    private static Scheduler scheduler(SpokenEngine engine) {
        return engine.engine().textModel().scheduler().orElseThrow();
    }

    private static void assertIdle(SpokenEngine engine) throws InterruptedException {
        awaitThat(() -> scheduler(engine).running() == 0 && scheduler(engine).waiting() == 0);
        assertThat(engine.tokens()).as("of an answer that fills the context").isLessThan(1000);
    }

    @Test
    void aClientThatGoesAwayEndsItsStream() throws Exception {
        SpokenEngine engine = SpokenEngine.load(SchedulerLimits.DEFAULT);
        engine.sayForever(" fox");
        engine.pace(SLOW);
        try (OpenAiServer server = OpenAiServer.of(engine.engine())) {
            try (Socket client = server.open(CHAT, STREAM)) {
                assertThat(client.getInputStream().readNBytes(200)).hasSize(200);
                assertThat(scheduler(engine).running()).isEqualTo(1);
            }
            assertIdle(engine);
            try (Socket client = server.open("/completions", TEXT.replace("}", ", \"stream\": true}"))) {
                assertThat(client.getInputStream().readNBytes(200)).hasSize(200);
            }
            assertIdle(engine);
        }
    }

    @Test
    void aClientThatWaitsForTheWholeAnswerMayGoAwayToo() throws Exception {
        SpokenEngine engine = SpokenEngine.load(SchedulerLimits.DEFAULT);
        engine.sayForever(" fox");
        engine.pace(SLOW);
        try (OpenAiServer server = OpenAiServer.of(engine.engine(), "chai.openai.keep-alive=20ms")) {
            for (String path : List.of(CHAT, "/completions")) {
                try (Socket client = server.open(path, path.equals(CHAT) ? HELLO : TEXT)) {
                    awaitThat(() -> scheduler(engine).running() == 1);
                    assertThat(client.isConnected()).isTrue();
                }
                assertIdle(engine);
            }
        }
    }

    @Test
    void aClientThatGoesAwayWhileItWaitsGivesItsPlace() throws Exception {
        SpokenEngine engine = SpokenEngine.load(SchedulerLimits.DEFAULT.withRequests(1, 1));
        engine.sayForever(" fox");
        engine.pace(SLOW);
        try (OpenAiServer server = OpenAiServer.of(engine.engine(), "chai.openai.keep-alive=20ms");
                Socket first = server.open(CHAT, STREAM)) {
            awaitThat(() -> scheduler(engine).running() == 1);
            try (Socket second = server.open(CHAT, STREAM)) {
                awaitThat(() -> scheduler(engine).waiting() == 1);
                assertThat(new String(second.getInputStream().readNBytes(12)))
                        .as("kept alive while it waits").startsWith("HTTP/1.1 200");
            }
            awaitThat(() -> scheduler(engine).waiting() == 0);
            assertThat(scheduler(engine).running()).isEqualTo(1);
            assertThat(first.isConnected()).isTrue();
        }
    }

    @Test
    void whatKeepsAConnectionAliveIsNoPartOfTheAnswer() throws Exception {
        SpokenEngine engine = SpokenEngine.load(SchedulerLimits.DEFAULT);
        engine.say("Good day!");
        engine.pace(number -> Thread.sleep(number == 0 ? 300 : 0));
        try (OpenAiServer server = OpenAiServer.of(engine.engine(), "chai.openai.keep-alive=20ms")) {
            HttpResponse<String> events = server.post(CHAT, STREAM);
            assertThat(events.body()).startsWith(": keep-alive\n\n").endsWith("data: [DONE]\n\n");
            assertThat(server.events(CHAT, STREAM)).isNotEmpty();
            assertThat(server.post(CHAT, HELLO).body()).startsWith(" ");
            assertThat(server.answer(CHAT, HELLO).at("/choices/0/message/content").asText()).isEqualTo("Good day!");
        }
    }

    @Test
    void oneTooManyIsToComeAgain() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch held = new CountDownLatch(1);
        SpokenEngine engine = SpokenEngine.load(SchedulerLimits.DEFAULT.withRequests(1, 0));
        engine.say("Good day!");
        engine.pace(number -> {
            begun.countDown();
            held.await();
        });
        try (OpenAiServer server = OpenAiServer.of(engine.engine()); Socket first = server.open(CHAT, STREAM)) {
            assertThat(begun.await(120, TimeUnit.SECONDS)).isTrue();
            for (String request : List.of(HELLO, STREAM)) {
                HttpResponse<String> response = server.post(CHAT, request);
                assertThat(response.statusCode()).as(response.body()).isEqualTo(429);
                assertThat(response.headers().firstValue("Retry-After")).contains("5");
                JsonNode error = OpenAiServer.error(response);
                assertThat(error.path("code").asText()).isEqualTo("rate_limit_exceeded");
                assertThat(error.path("message").asText()).startsWith("too many requests: 1 are answered at once");
            }
            held.countDown();
            assertThat(new String(first.getInputStream().readNBytes(15))).isEqualTo("HTTP/1.1 200 \r\n");
            awaitThat(() -> scheduler(engine).running() == 0);
            assertThat(server.post(CHAT, HELLO).statusCode()).isEqualTo(200);
        } finally {
            held.countDown();
        }
    }

    @Test
    void whoTakesTooLongIsToldSo() throws Exception {
        SpokenEngine engine = SpokenEngine.load(SchedulerLimits.DEFAULT.withTimeLimit(Duration.ofNanos(1)));
        try (OpenAiServer server = OpenAiServer.of(engine.engine())) {
            HttpResponse<String> response = server.post(CHAT, HELLO);
            assertThat(response.statusCode()).isEqualTo(504);
            assertThat(OpenAiServer.error(response).path("message").asText())
                    .startsWith("the request took longer than");
        }
    }

    @Test
    void ourOwnFailuresSayNothingOfTheInside() throws Exception {
        SpokenEngine engine = SpokenEngine.load(SchedulerLimits.DEFAULT);
        engine.say("Good day, Ruby!");
        engine.pace(number -> {
            if (number == 2) {
                throw new IllegalStateException("a secret of the inside");
            }
        });
        try (OpenAiServer server = OpenAiServer.of(engine.engine())) {
            HttpResponse<String> whole = server.post(CHAT, HELLO);
            assertThat(whole.statusCode()).isEqualTo(500);
            assertThat(OpenAiServer.error(whole).path("type").asText()).isEqualTo("server_error");
            HttpResponse<String> events = server.post(CHAT, STREAM);
            assertThat(events.statusCode()).as("when the answer had begun").isEqualTo(200);
            assertThat(events.body()).contains("\"role\":\"assistant\"", "data: {\"error\":{\"message\":")
                    .doesNotContain("[DONE]");
            assertThat(whole.body() + events.body()).doesNotContain("secret", "Exception", "\\n", "at io.github");
        }
    }

    private static void assertStopping(HttpResponse<String> response) throws Exception {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(503);
        assertThat(response.headers().firstValue("Content-Type")).contains("application/json");
        assertThat(response.headers().firstValue("Retry-After")).contains("5");
        assertThat(OpenAiServer.error(response).path("code").asText()).isEqualTo("stopping");
    }

    private static long turnedAway(OpenAiServer server) {
        return server.context().getBean(MeterRegistry.class).get("chai.requests").tag("outcome", "stopping").timer()
                .count();
    }

    @Test
    void whileItStopsNobodyIsLetInAndAllAreCounted() throws Exception {
        SpokenEngine engine = SpokenEngine.load(SchedulerLimits.DEFAULT);
        engine.say("Good day!");
        try (OpenAiServer server = OpenAiServer.of(engine.engine(), "chai.openai.router-endpoints=true")) {
            assertThat(server.get("/models").statusCode()).isEqualTo(200);
            assertThat(server.getBeside("/health").statusCode()).isEqualTo(200);
            assertThat(turnedAway(server)).isZero();
            server.context().publishEvent(new ContextClosedEvent(server.context()));
            assertStopping(server.get("/models"));
            assertStopping(server.get("/models/pocket"));
            assertThat(server.getBeside("/health").statusCode()).isEqualTo(503);
            assertThat(server.getBeside("/health").body()).isEqualTo("the application is stopping");
            assertThat(server.getBeside("/metrics").statusCode()).as("what it says to the end").isEqualTo(200);
            assertThat(turnedAway(server)).as("nobody asked a model").isZero();
            assertStopping(server.post(CHAT, HELLO));
            assertStopping(server.post(CHAT, STREAM));
            assertStopping(server.post("/completions", TEXT));
            assertStopping(server.post("/completions", TEXT.replace("}", ", \"stream\": true}")));
            assertThat(turnedAway(server)).isEqualTo(4);
            assertThat(server.post(CHAT, "{\"model\": \"other\"}").statusCode()).as("of no model").isEqualTo(404);
            assertThat(server.post(CHAT, "[]").statusCode()).as("of no use later either").isEqualTo(400);
            assertThat(turnedAway(server)).isEqualTo(4);
            assertThat(engine.tokens()).isZero();
        }
    }

    @Test
    void anEventOfAnApplicationBelowItDoesNotStopIt() throws Exception {
        SpokenEngine engine = SpokenEngine.load(SchedulerLimits.DEFAULT);
        engine.say("Good day!");
        try (OpenAiServer server = OpenAiServer.of(engine.engine(), "chai.openai.router-endpoints=true")) {
            GenericApplicationContext below = new GenericApplicationContext(server.context());
            below.refresh();
            below.close();
            assertThat(server.get("/models").statusCode()).isEqualTo(200);
            assertThat(server.getBeside("/health").statusCode()).isEqualTo(200);
            assertThat(server.post(CHAT, HELLO).statusCode()).isEqualTo(200);
        }
    }

    @Test
    void aModelThatTakesNoRequestsOnOrWasClosedIsStoppingToo() throws Exception {
        SpokenEngine engine = SpokenEngine.load(SchedulerLimits.DEFAULT);
        try (OpenAiServer server = OpenAiServer.of(engine.engine())) {
            engine.engine().refuseRequests();
            assertStopping(server.post(CHAT, HELLO));
            assertStopping(server.post(CHAT, STREAM));
            assertStopping(server.post("/completions", TEXT));
            assertThat(turnedAway(server)).isEqualTo(3);
            assertThat(server.get("/models").statusCode()).as("it is still there").isEqualTo(200);
            engine.engine().close();
            assertStopping(server.post(CHAT, HELLO));
            assertStopping(server.post(CHAT, STREAM));
            assertStopping(server.post("/completions", TEXT));
        }
    }
}
