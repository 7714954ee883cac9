// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import com.sun.net.httpserver.HttpServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;

/** The load test of the sample for a moment, and whether it would notice what it looks for. */
@Timeout(120)
class LoadClientTests {
    private static final Duration NONE = Duration.ZERO;
    private static final Pattern CONVERSATION = Pattern.compile("\"conversationId\":\"([^\"]+)\"");

    @Test
    void clientsAtOnceGetTheAnswersThatOneGets() throws Exception {
        try (RunningSample sample = RunningSample.start()) {
            String url = "http://localhost:" + sample.port();
            try (LoadClient client = new LoadClient(url, false, List.of(url))) {
                client.learn(5);
                LoadClient.Load load = client.load(4, NONE, Duration.ofSeconds(3));
                assertThat(load.window()).as(load.row()).isNotEmpty();
                assertThat(load.others()).isEmpty();
                assertThat(load.wrong()).isZero();
                assertThat(load.doubled()).isZero();
                assertThat(load.lost()).isZero();
                assertThat(load.tokens()).isPositive();
            }
        }
    }

    @Test
    void requestsBeyondTheLimitsAreRefusedAndOthersAnswered() throws Exception {
        try (RunningSample sample = RunningSample.start("--chai.scheduler.max-concurrent=1",
                "--chai.scheduler.max-waiting=1")) {
            String url = "http://localhost:" + sample.port();
            try (LoadClient client = new LoadClient(url, false, List.of(url))) {
                client.learn(5);
                LoadClient.Load load = client.load(4, NONE, Duration.ofSeconds(3));
                assertThat(load.others()).as(load.row()).containsOnlyKeys("429");
                assertThat(load.window()).isNotEmpty();
                assertThat(load.wrong()).isZero();
                assertThat(load.doubled()).isZero();
            }
        }
    }

    @Test
    void noticesAnotherAnswer() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        assertThat(load(conversation -> {
            int number = asked.getAndIncrement();
            return token("a") + token(number < 5 ? "b" : "c") + done(conversation, number < 5 ? "ab" : "ac");
        }).wrong()).isPositive();
    }

    @Test
    void noticesAnAnswerToSomebodyElse() throws Exception {
        assertThat(load(conversation -> token("ab") + done("x" + conversation, "ab")).wrong()).isPositive();
    }

    @Test
    void noticesATextThatCameTwice() throws Exception {
        LoadClient.Load load = load(conversation -> token("ab") + token("ab") + done(conversation, "ab"));
        assertThat(load.wrong()).isZero();
        assertThat(load.doubled()).isPositive();
    }

    @Test
    void noticesAnEndThatCameTwice() throws Exception {
        assertThat(load(conversation -> token("ab") + done(conversation, "ab") + done(conversation, "ab")).doubled())
                .isPositive();
    }

    @Test
    void noticesAnAnswerThatNobodyKept() throws Exception {
        assertThat(load(conversation -> token("ab") + done(conversation, "ab")).lost()).isPositive();
    }

    /** What a server that is not the sample makes of a conversation. */
    private interface Events {
        String of(String conversation);
    }

    private static String token(String text) {
        return "event:token\ndata:{\"text\":\"" + text + "\"}\n\n";
    }

    private static String done(String conversation, String reply) {
        JsonNode done = RunningSample.MAPPER.createObjectNode().put("conversationId", conversation)
                .put("reply", reply).put("generatedTokens", 2);
        return "event:done\ndata:" + done + "\n\n";
    }

    private static LoadClient.Load load(Events events) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/api/chat/stream", exchange -> {
            String question = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            Matcher matcher = CONVERSATION.matcher(question);
            if (!matcher.find()) {
                throw new IOException(question);
            }
            byte[] answer = events.of(matcher.group(1)).getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
        });
        server.start();
        String url = "http://localhost:" + server.getAddress().getPort();
        try (LoadClient client = new LoadClient(url, false, List.of(url))) {
            client.learn(5);
            return client.load(2, NONE, Duration.ofMillis(50));
        } finally {
            server.stop(0);
        }
    }
}
