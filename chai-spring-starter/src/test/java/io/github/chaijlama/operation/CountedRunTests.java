// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.langchain4j.SpokenEngine;
import io.github.chaijlama.schedule.SchedulerLimits;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A run of requests that end in every way a client can bring about, and what {@code /actuator/chai}, {@code /metrics}
 * and {@code /actuator/prometheus} say beside what the clients have seen.
 */
@Tag("boot-lines")
@Timeout(180)
class CountedRunTests {
    private static final String CHAT = "/v1/chat/completions";
    private static final String MODEL = "model=\"pocket\"";
    private static final long BEFORE_FIRST_TOKEN_MILLIS = 120;

    @Configuration(proxyBeanMethods = false)
    static class Spoken {
        @Bean
        SpokenEngine spokenEngine() {
            return SpokenEngine.load(SchedulerLimits.DEFAULT.withRequests(1, 1).withMaxPromptTokens(200));
        }

        @Bean
        ChaiEngine ownEngine(SpokenEngine spoken) {
            return spoken.engine();
        }
    }

    /** What clients have seen. */
    private static final class Seen {
        private final List<Double> secondsToFirstToken = new ArrayList<>();
        private int promptTokens;
        private int cachedTokens;
        private int answerTokens;

        /** Remembers a whole answer, of which a client cannot know its first token's time but an upper bound of it. */
        void answer(Supplier<HttpResponse<String>> request, String finishReason) {
            long start = System.nanoTime();
            HttpResponse<String> response = request.get();
            secondsToFirstToken.add((System.nanoTime() - start) / 1e9);
            assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
            JsonNode answer = OperatedApplication.json(response);
            assertThat(answer.at("/choices/0/finish_reason").asText()).isEqualTo(finishReason);
            promptTokens += answer.at("/usage/prompt_tokens").asInt();
            cachedTokens += answer.at("/usage/prompt_tokens_details/cached_tokens").asInt();
            answerTokens += answer.at("/usage/completion_tokens").asInt();
        }
    }

    private static String ask(String question, String more) {
        return "{\"model\": \"pocket\", \"messages\": [{\"role\": \"user\", \"content\": \"" + question + "\"}]" + more
                + "}";
    }

    /** The status may have been sent to keep the connection alive, where this machine is slow. */
    private static void assertRefused(HttpResponse<String> response, String code) {
        assertThat(OperatedApplication.json(response).at("/error/code").asText()).as(response.body()).isEqualTo(code);
    }

    private static void awaitThat(BooleanSupplier condition) throws InterruptedException {
        for (int i = 0; i < 6000 && !condition.getAsBoolean(); i++) {
            Thread.sleep(10);
        }
        assertThat(condition.getAsBoolean()).isTrue();
    }

    private static double value(List<String> lines, String metric) {
        return lines.stream().filter(line -> line.startsWith(metric + " ")).findFirst()
                .map(line -> Double.parseDouble(line.substring(metric.length() + 1)))
                .orElseThrow(() -> new AssertionError("no " + metric + " in " + lines));
    }

    private static void assertOutcomes(OperatedApplication application, String... expected) {
        List<String> lines = application.scrape("/actuator/prometheus").stream()
                .filter(line -> line.startsWith("chai_requests_seconds_count{")).toList();
        assertThat(lines).containsExactlyInAnyOrderElementsOf(List.of(expected).stream()
                .map(of -> "chai_requests_seconds_count{" + MODEL + ",outcome=\"" + of.substring(0, of.indexOf(' '))
                        + "\"}" + of.substring(of.indexOf(' ')))
                .toList());
    }

    private static void assertNow(OperatedApplication application, int running, int waiting, int refused) {
        assertThat(application.scrape("/metrics")).contains(
                "vllm:num_requests_running{model_name=\"pocket\"} " + running + ".0",
                "vllm:num_requests_waiting{model_name=\"pocket\"} " + waiting + ".0");
        assertThat(application.scrape("/actuator/prometheus")).contains(
                "chai_requests_running{" + MODEL + "} " + running + ".0",
                "chai_requests_waiting{" + MODEL + "} " + waiting + ".0",
                "chai_requests_refused_total{" + MODEL + "} " + refused + ".0");
        JsonNode report = OperatedApplication.json(application.get("/actuator/chai/pocket"));
        assertThat(report.at("/requests/running").asInt(-1)).isEqualTo(running);
        assertThat(report.at("/requests/waiting").asInt(-1)).isEqualTo(waiting);
        assertThat(report.at("/requests/refused").asInt(-1)).isEqualTo(refused);
        assertThat(report.path("sequences")).hasSize(running + waiting);
        assertThat(report.path("sequences").findValues("running").stream().filter(JsonNode::asBoolean))
                .hasSize(running);
        double usage = report.at("/kvCache/usage").asDouble(-1);
        if (running == 0) {
            assertThat(usage).isZero();
        } else {
            assertThat(usage).isPositive();
        }
    }

    @Test
    void everyRequestIsCountedAsWhatBecameOfIt() throws Exception {
        try (OperatedApplication application = new OperatedApplication(List.of(Spoken.class),
                "--chai.openai.enabled=true", "--chai.openai.keep-alive=200ms")) {
            SpokenEngine engine = application.context().getBean(SpokenEngine.class);
            Seen seen = new Seen();
            engine.say("Good day!");
            engine.pace(number -> Thread.sleep(number == 0 ? BEFORE_FIRST_TOKEN_MILLIS : 0));
            seen.answer(() -> application.post(CHAT, ask("Hello!", "")), "stop");
            seen.answer(() -> application.post(CHAT, ask("Hello!", "")), "stop"); // its prompt is there
            seen.answer(() -> application.post(CHAT, ask("Who are you?", ", \"max_tokens\": 2")), "length");
            assertRefused(application.post(CHAT, ask("long ".repeat(400), "")), "context_length_exceeded");
            assertThat(seen.cachedTokens).isPositive();
            assertNow(application, 0, 0, 0);
            assertOutcomes(application, "stop 2", "length 1", "cancelled 0", "refused 0", "stopping 0", "invalid 1",
                    "timeout 0", "memory 0", "error 0");
            assertTokens(application, seen);
            assertFirstTokens(application.scrape("/metrics"), seen.secondsToFirstToken, 0);

            twoAtOnceAndOneTooMany(application, engine);
            assertOutcomes(application, "stop 2", "length 1", "cancelled 2", "refused 1", "stopping 0", "invalid 1",
                    "timeout 0", "memory 0", "error 0");
            assertFirstTokens(application.scrape("/metrics"), seen.secondsToFirstToken, 1);

            engine.pace(number -> {});
            engine.engine().refuseRequests();
            assertRefused(application.post(CHAT, ask("Hello!", "")), "stopping");
            assertThat(application.get("/health").statusCode()).isEqualTo(503);
            assertOutcomes(application, "stop 2", "length 1", "cancelled 2", "refused 1", "stopping 1", "invalid 1",
                    "timeout 0", "memory 0", "error 0");
            engine.engine().acceptRequests();
        }
    }

    /** One is answered, one waits, one is refused; both clients go away, the first with a part of its answer. */
    private static void twoAtOnceAndOneTooMany(OperatedApplication application, SpokenEngine engine)
            throws IOException, InterruptedException {
        CountDownLatch begun = new CountDownLatch(1);
        engine.sayForever(" fox");
        engine.pace(number -> { // slow enough that no answer ends here of itself
            if (number == 1) {
                begun.countDown();
            }
            Thread.sleep(100);
        });
        try (InputStream first = application.open(CHAT, ask("Hello again!", ", \"stream\": true"))) {
            assertThat(first.read()).isNotNegative();
            assertThat(begun.await(60, TimeUnit.SECONDS)).as("it has its first token").isTrue();
            try (InputStream second = application.open(CHAT, ask("Me too!", ", \"stream\": true"))) {
                awaitThat(() -> engine.engine().textModel().scheduler().orElseThrow().waiting() == 1);
                assertRefused(application.post(CHAT, ask("And me?", "")), "rate_limit_exceeded");
                assertNow(application, 1, 1, 1);
                assertThat(second.read()).as("kept alive").isNotNegative();
            }
            awaitThat(() -> engine.engine().textModel().scheduler().orElseThrow().waiting() == 0);
            assertNow(application, 1, 0, 1);
        }
        awaitThat(() -> engine.engine().textModel().scheduler().orElseThrow().running() == 0);
        awaitThat(() -> engine.engine().textModel().gate().inside() == 0); // they are told behind their last step
        assertNow(application, 0, 0, 1);
    }

    private static void assertTokens(OperatedApplication application, Seen seen) {
        List<String> lines = application.scrape("/actuator/prometheus");
        assertThat(lines).contains("chai_tokens_input_total{" + MODEL + "} " + seen.promptTokens + ".0",
                "chai_tokens_output_total{" + MODEL + "} " + seen.answerTokens + ".0",
                "chai_prefix_queries_total{" + MODEL + "} " + seen.promptTokens + ".0",
                "chai_prefix_hits_total{" + MODEL + "} " + seen.cachedTokens + ".0");
        assertThat(application.scrape("/metrics")).contains(
                "vllm:prefix_cache_queries_total{model_name=\"pocket\"} " + seen.promptTokens + ".0",
                "vllm:prefix_cache_hits_total{model_name=\"pocket\"} " + seen.cachedTokens + ".0");
        JsonNode requests = OperatedApplication.json(application.get("/actuator/chai/pocket")).path("requests");
        assertThat(requests.path("inputTokens").asInt()).isEqualTo(seen.promptTokens);
        assertThat(requests.path("reusedTokens").asInt()).isEqualTo(seen.cachedTokens);
        assertThat(requests.path("outputTokens").asInt()).isEqualTo(seen.answerTokens);
    }

    /**
     * No first token came before its sampler had waited, nor after its client had it.
     *
     * @param seconds what clients measured of the first requests
     * @param more    requests that got a first token and were not measured, and did not wait
     */
    private static void assertFirstTokens(List<String> lines, List<Double> seconds, int more) {
        String metric = "vllm:time_to_first_token_seconds";
        String label = "{model_name=\"pocket\"";
        int all = seconds.size() + more;
        assertThat(value(lines, metric + "_count" + label + "}")).isEqualTo(all);
        double sum = value(lines, metric + "_sum" + label + "}");
        assertThat(sum).isGreaterThanOrEqualTo(seconds.size() * BEFORE_FIRST_TOKEN_MILLIS / 1e3);
        if (more == 0) {
            assertThat(sum).isLessThanOrEqualTo(seconds.stream().mapToDouble(Double::doubleValue).sum());
            assertThat(value(lines, metric + "_bucket" + label + ",le=\"0.1\"}")).isZero();
        }
        for (String bound : List.of("0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "40.0", "640.0")) {
            double bucket = value(lines, metric + "_bucket" + label + ",le=\"" + bound + "\"}");
            long within = seconds.stream().filter(time -> time <= Double.parseDouble(bound)).count();
            assertThat(bucket).as("at most %s s", bound).isBetween((double) within, (double) all);
        }
        assertThat(value(lines, metric + "_bucket" + label + ",le=\"+Inf\"}")).isEqualTo(all);
    }
}
