// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.io.ByteArrayInputStream;
import java.net.InetAddress;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.TimeoutException;
import dev.langchain4j.model.TokenCountEstimator;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.tomcat.TomcatWebServer;
import org.springframework.boot.web.server.servlet.context.ServletWebServerApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Primary;
import tools.jackson.databind.JsonNode;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.langchain4j.ChaiChatModel;
import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.schedule.Generation;
import io.github.chaijlama.schedule.Scheduler;
import io.github.chaijlama.schedule.SequenceUse;

import static org.assertj.core.api.Assertions.assertThat;

/** What the sample does not do, and not let others do. */
@Timeout(120)
class SafetyTests {
    /** A path that an exception of the application may have in its message. */
    private static final String SECRET = "/home/somebody/secret.json";

    private static RunningSample sample;

    /** Lets a test break the model and count its requests. */
    static class Watched {
        static final AtomicInteger REQUESTS = new AtomicInteger();
        static volatile Optional<RuntimeException> failure = Optional.empty();

        @Bean
        @Primary
        ChatModel watchedChatModel(ChaiChatModel model) {
            return new ChatModel() {
                @Override
                public ChatResponse doChat(ChatRequest request) {
                    REQUESTS.incrementAndGet();
                    failure.ifPresent(error -> {
                        throw error;
                    });
                    return model.chat(request);
                }
            };
        }

        /** Counts what is tokenized. */
        @Bean
        @Primary
        TokenCountEstimator wordCounter() {
            return new WordCounter() {
                @Override
                public int estimateTokenCountInText(String text) {
                    REQUESTS.incrementAndGet();
                    return super.estimateTokenCountInText(text);
                }
            };
        }
    }

    @BeforeAll
    static void start() {
        sample = RunningSample.start(List.of(SampleApplication.class, Watched.class, HeldStreams.class),
                "--chai.scheduler.max-concurrent=1", "--chai.scheduler.max-waiting=0");
    }

    @AfterAll
    static void stop() {
        sample.close();
    }

    private static Scheduler scheduler() {
        return sample.application().getBean(ChaiEngine.class).textModel().scheduler().orElseThrow();
    }

    /** There is one place here, and a stream that fails says so before its request has left it. */
    @BeforeEach
    void awaitIdle() throws InterruptedException {
        while (scheduler().running() + scheduler().waiting() > 0) {
            Thread.sleep(10);
        }
    }

    @Test
    void onlyThisMachineGetsIn() {
        TomcatWebServer server = (TomcatWebServer) ((ServletWebServerApplicationContext) sample.application())
                .getWebServer();
        assertThat(server.getTomcat().getConnector().getProperty("address")).isInstanceOfSatisfying(InetAddress.class,
                address -> assertThat(address.isLoopbackAddress()).isTrue());
    }

    @Test
    void sixMegabytesAreRefusedBeforeTheyAreTokenized() throws Exception {
        int before = Watched.REQUESTS.get();
        String endless = RunningSample.body("large", "fox ".repeat(1_500_000));
        byte[] bytes = endless.getBytes(StandardCharsets.UTF_8);
        assertThat(bytes.length).isGreaterThan(6_000_000);
        for (String path : List.of("/api/chat", "/api/chat/stream")) {
            HttpResponse<String> known = sample.post(path, endless);
            HttpResponse<String> chunked = sample.send(sample.request(path)
                    .POST(HttpRequest.BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(bytes))));
            for (HttpResponse<String> response : List.of(known, chunked)) {
                assertThat(response.statusCode()).isEqualTo(413);
                assertThat(RunningSample.json(response).path("detail").stringValue())
                        .isEqualTo("a request may have at most 262144 bytes");
            }
        }
        assertThat(Watched.REQUESTS).hasValue(before);
        HttpResponse<String> small = sample.send(sample.request("/api/chat").POST(HttpRequest.BodyPublishers
                .ofInputStream(() -> new ByteArrayInputStream(RunningSample.body("small", "Hello!")
                        .getBytes(StandardCharsets.UTF_8)))));
        assertThat(small.statusCode()).as("chunked as well").isEqualTo(200);
    }

    @Test
    void browsersAreToldWhatThePageNeverDoes() throws Exception {
        for (String path : List.of("/", "/api/info", "/api/nothing", "/chat.js")) {
            Map<String, List<String>> headers = sample.get(path).headers().map();
            assertThat(headers.get("Content-Security-Policy")).as(path).singleElement().asString()
                    .contains("default-src 'none'").contains("script-src 'self'").doesNotContain("unsafe");
            assertThat(headers).containsEntry("X-Content-Type-Options", List.of("nosniff"))
                    .containsEntry("X-Frame-Options", List.of("DENY"))
                    .containsEntry("Referrer-Policy", List.of("no-referrer"));
        }
        assertThat(sample.get("/api/info").headers().firstValue("Cache-Control")).hasValue("no-store");
    }

    @Test
    void thePageHasNothingOfItsOwnInlineAndNothingFromElsewhere() throws Exception {
        String page = sample.get("/").body();
        assertThat(page).doesNotContainPattern("<script(?![^>]*src=)").doesNotContain("<style")
                .doesNotContainPattern("\\son\\w+=").doesNotContainPattern("\\sstyle=")
                .doesNotContainPattern("(src|href)=\"(https?:)?//");
    }

    @Test
    void otherSitesCannotUseIt() throws Exception {
        HttpResponse<String> plain = sample.send(HttpRequest.newBuilder(sample.uri("/api/chat"))
                .header("Content-Type", "text/plain")
                .POST(HttpRequest.BodyPublishers.ofString(RunningSample.body("a", "Hello!"))));
        assertThat(plain.statusCode()).as("what a form of another site can send").isEqualTo(415);
        HttpResponse<String> preflight = sample.send(HttpRequest.newBuilder(sample.uri("/api/chat"))
                .header("Origin", "https://elsewhere.invalid").header("Access-Control-Request-Method", "POST")
                .method("OPTIONS", HttpRequest.BodyPublishers.noBody()));
        assertThat(preflight.headers().firstValue("Access-Control-Allow-Origin")).isEmpty();
    }

    @Test
    void whatFailsHereStaysHere() throws Exception {
        HttpResponse<String> broken = failing(new IllegalStateException("cannot read " + SECRET));
        assertThat(broken.statusCode()).isEqualTo(500);
        assertThat(broken.body()).doesNotContain(SECRET).doesNotContain("Exception").doesNotContain("at ")
                .contains("the application's log says why");
        HeldStreams.beforeToken = () -> {
            throw new IllegalStateException("cannot read " + SECRET);
        };
        try {
            HttpResponse<String> response = sample.post("/api/chat/stream", RunningSample.body("broken", "Hello!"));
            assertThat(response.body()).contains("event:error").doesNotContain(SECRET)
                    .contains("the application's log says why");
        } finally {
            HeldStreams.beforeToken = () -> {};
        }
    }

    @Test
    void unknownAddressesAndMethodsSayNothingOfTheirInsides() throws Exception {
        for (HttpResponse<String> response : List.of(sample.get("/api/nothing"), sample.get("/nothing.txt"),
                sample.get("/api/chat"), sample.get("/api/conversations/nothing"))) {
            assertThat(response.statusCode()).isIn(404, 405);
            assertThat(response.body()).doesNotContain("Exception").doesNotContain("io.github")
                    .doesNotContain(Path.of("").toAbsolutePath().toString());
        }
    }

    /** Asks a model that fails. */
    private static HttpResponse<String> failing(RuntimeException failure) throws Exception {
        Watched.failure = Optional.of(failure);
        try {
            return sample.post("/api/chat", RunningSample.body("failing", "Hello!"));
        } finally {
            Watched.failure = Optional.empty();
        }
    }

    @Test
    void whoTakesTooLongOrFindsNoMemoryIsToldWhenToComeBack() throws Exception {
        HttpResponse<String> late = failing(new TimeoutException("the request took longer than 20 s"));
        assertThat(late.statusCode()).isEqualTo(504);
        assertThat(RunningSample.json(late).path("detail").stringValue())
                .isEqualTo("the request took longer than 20 s");
        HttpResponse<String> full = failing(new RateLimitException("the key/value cache is full"));
        assertThat(full.statusCode()).isEqualTo(503);
        for (HttpResponse<String> response : List.of(late, full)) {
            assertThat(response.headers().firstValue("Retry-After")).hasValue("2");
        }
    }

    /** Takes a place in the scheduler and does nothing with it until it is cancelled. */
    private static final class Idler implements Generation {
        private final CountDownLatch ended = new CountDownLatch(1);
        private volatile boolean cancelled;

        @Override
        public int[] prompt() {
            return new int[]{ 1, 2 };
        }

        @Override
        public AttentionMode attention() {
            return AttentionMode.EXACT;
        }

        @Override
        public boolean isCancelled() {
            return cancelled;
        }

        @Override
        public boolean isReady() {
            return false;
        }

        @Override
        public int[] next(float[] logits) {
            return new int[0];
        }

        @Override
        public void finished(SequenceUse use) {
            ended.countDown();
        }

        @Override
        public void cancelled(SequenceUse use) {
            ended.countDown();
        }

        @Override
        public void failed(Throwable error) {
            ended.countDown();
        }
    }

    @Test
    void whoFindsTheQueueFullIsToldWhenToComeBack() throws Exception {
        Scheduler scheduler = scheduler();
        Idler idler = new Idler();
        scheduler.submit(idler);
        try {
            HttpResponse<String> refused = sample.post("/api/chat", RunningSample.body("busy", "Hello!"));
            assertThat(refused.statusCode()).as(refused.body()).isEqualTo(429);
            assertThat(refused.headers().firstValue("Retry-After")).hasValue("2");
            Map.Entry<String, JsonNode> event = RunningSample
                    .events(sample.post("/api/chat/stream", RunningSample.body("busy", "Hello!"))).getFirst();
            assertThat(event.getKey()).isEqualTo("error");
            assertThat(event.getValue().path("status").intValue()).isEqualTo(429);
            assertThat(RunningSample.json(sample.get("/api/figures")).path("waiting").intValue()).isEqualTo(1);
        } finally {
            idler.cancelled = true;
            scheduler.wake();
            assertThat(idler.ended.await(30, TimeUnit.SECONDS)).isTrue();
        }
    }

    private static HttpResponse<String> as(String cookie, HttpRequest.Builder request) throws Exception {
        return sample.send(request.header("Cookie", cookie));
    }

    @Test
    void aBrowserSeesOnlyItsOwnConversations() throws Exception {
        HttpResponse<String> first = sample.get("/api/conversations");
        String set = first.headers().firstValue("Set-Cookie").orElseThrow();
        assertThat(set).contains("HttpOnly").contains("SameSite=Strict").contains("Path=/").doesNotContain("Domain");
        String mine = set.substring(0, set.indexOf(';'));
        String others = sample.get("/api/conversations").headers().firstValue("Set-Cookie").orElseThrow();
        assertThat(others.substring(0, others.indexOf(';'))).isNotEqualTo(mine).hasSizeGreaterThan(43);

        HttpResponse<String> answer = as(mine, sample.request("/api/chat")
                .POST(HttpRequest.BodyPublishers.ofString(RunningSample.body("mine", "Hello!"))));
        assertThat(answer.statusCode()).isEqualTo(200);
        JsonNode list = RunningSample.json(as(mine, sample.request("/api/conversations").GET()));
        assertThat(list.path("conversations").path(0).path("id").stringValue()).isEqualTo("mine");
        assertThat(list.path("notice").stringValue()).contains("kept in memory");
        JsonNode seen = RunningSample.json(as(mine, sample.request("/api/conversations/mine").GET()));
        assertThat(seen.path("messages").path(1).path("text").stringValue())
                .isEqualTo(RunningSample.json(answer).path("reply").stringValue());
        for (String stranger : List.of(others, "chai-sample=x", "chai-sample=" + "A".repeat(43), "other=1")) {
            assertThat(as(stranger, sample.request("/api/conversations/mine").GET()).statusCode()).isEqualTo(404);
            as(stranger, sample.request("/api/conversations/mine").DELETE());
        }
        assertThat(as(mine, sample.request("/api/conversations/mine").DELETE()).statusCode()).isEqualTo(204);
        assertThat(as(mine, sample.request("/api/conversations/mine").GET()).statusCode()).isEqualTo(404);
        assertThat(Browser.newName()).isNotEqualTo(Browser.newName());
        assertThat(Duration.ofDays(30).toSeconds())
                .satisfies(seconds -> assertThat(set).contains("Max-Age=" + seconds));
    }
}
