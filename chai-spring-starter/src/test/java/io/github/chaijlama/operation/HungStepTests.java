// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import com.fasterxml.jackson.databind.JsonNode;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.model.chat.ChatModel;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Pocket;
import io.github.chaijlama.generate.StoppingException;
import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.langchain4j.HeldEngine;
import io.github.chaijlama.schedule.SchedulerLimits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** An application whose model hangs in a step, with one request in it, one that waits and one that is refused. */
@Tag("boot-lines")
@Timeout(120)
class HungStepTests {

    @Configuration(proxyBeanMethods = false)
    static class Held {
        @Bean
        HeldEngine heldEngine() {
            return new HeldEngine("held", SchedulerLimits.DEFAULT.withRequests(1, 1), ChaiOptions.exact());
        }

        @Bean
        ChaiEngine ownEngine(HeldEngine held) {
            return held.engine();
        }
    }

    private static int outcome(OperatedApplication application, String outcome) {
        String line = "chai_requests_seconds_count{model=\"held\",outcome=\"" + outcome + "\"} ";
        return application.scrape("/actuator/prometheus").stream().filter(each -> each.startsWith(line))
                .map(each -> Integer.parseInt(each.substring(line.length()))).findFirst().orElseThrow();
    }

    @Test
    void isOutOfServiceUntilTheStepEnds() throws Exception {
        try (OperatedApplication application = new OperatedApplication(List.of(Held.class),
                "--chai.health.max-step-time=1ms"); ExecutorService threads = Executors.newCachedThreadPool()) {
            ChaiHealth health = application.context().getBean(ChaiHealth.class);
            assertThat(application.get("/health").statusCode()).isEqualTo(200);
            HeldEngine held = application.context().getBean(HeldEngine.class);
            ChatModel model = application.context().getBean(ChatModel.class);
            Future<String> running = threads.submit(() -> model.chat(Pocket.QUESTION));
            held.awaitStep();
            Future<String> waiting = threads.submit(() -> model.chat("Hello"));
            while (held.engine().textModel().scheduler().orElseThrow().waiting() == 0) {
                Thread.onSpinWait();
            }
            assertThatThrownBy(() -> model.chat("Hello, too")).isInstanceOf(RateLimitException.class);

            while (health.state().problem().isEmpty()) {
                Thread.onSpinWait(); // a millisecond at most
            }
            assertHangs(application);
            held.letGo();
            running.get();
            waiting.get();
            while (health.state().problem().isPresent()) {
                Thread.onSpinWait(); // the step ends behind its last answer
            }
            assertThat(application.get("/health").statusCode()).isEqualTo(200);
            assertThat(application.get("/actuator/health").statusCode()).isEqualTo(200);
            assertThat(application.scrape("/metrics")).contains("vllm:num_requests_running{model_name=\"held\"} 0.0",
                    "vllm:num_requests_waiting{model_name=\"held\"} 0.0",
                    "vllm:kv_cache_usage_perc{model_name=\"held\"} 0.0");
            assertThat(outcome(application, "stop")).isEqualTo(2);
            assertThat(outcome(application, "refused")).isEqualTo(1);

            held.engine().refuseRequests(); // as an application does that stops
            assertThat(application.get("/health").statusCode()).isEqualTo(503);
            assertThat(application.get("/health").body())
                    .isEqualTo("held takes on no more requests, since the application is stopping");
            assertThat(application.get("/actuator/health").statusCode()).isEqualTo(503);
            assertThat(outcome(application, "stopping")).isZero();
            assertThatThrownBy(() -> model.chat("Hello")).hasCauseInstanceOf(StoppingException.class);
            assertThat(outcome(application, "stopping")).isEqualTo(1);
            assertThat(outcome(application, "refused")).isEqualTo(1);
        }
    }

    private static void assertHangs(OperatedApplication application) {
        assertThat(application.get("/health").statusCode()).isEqualTo(503);
        assertThat(application.get("/health").body()).startsWith("a step of held has taken");
        assertThat(application.get("/actuator/health").statusCode()).isEqualTo(503);
        JsonNode status = OperatedApplication.json(application.get("/actuator/health")).path("components")
                .path("chai");
        assertThat(status.path("status").asText()).isEqualTo("OUT_OF_SERVICE");
        assertThat(status.path("details").path("problem").asText()).contains("held");

        List<String> lines = application.scrape("/metrics");
        assertThat(lines).contains("vllm:num_requests_running{model_name=\"held\"} 1.0",
                "vllm:num_requests_waiting{model_name=\"held\"} 1.0");
        assertThat(lines).filteredOn(line -> line.startsWith("vllm:kv_cache_usage_perc{")).singleElement()
                .satisfies(line -> assertThat(line).doesNotEndWith(" 0.0"));
        assertThat(application.scrape("/actuator/prometheus")).contains("chai_requests_refused_total{model=\"held\"} "
                + "1.0", "chai_requests_running{model=\"held\"} 1.0", "chai_requests_waiting{model=\"held\"} 1.0");

        JsonNode report = OperatedApplication.json(application.get("/actuator/chai/held"));
        assertThat(report.path("requests").path("refused").asInt()).isEqualTo(1);
        JsonNode sequence = report.path("sequences").get(0);
        assertThat(sequence.path("running").asBoolean()).isTrue();
        assertThat(sequence.path("attention").asText()).isEqualTo("exact");
        assertThat(sequence.path("promptTokens").asInt()).isPositive()
                .isEqualTo(report.path("requests").path("inputTokens").asInt())
                .isEqualTo(sequence.path("length").asInt());
        assertThat(sequence.path("answerTokens").asInt()).isZero();
        assertThat(report.path("kvCache").path("usedBytes").asLong()).isPositive();
    }
}
