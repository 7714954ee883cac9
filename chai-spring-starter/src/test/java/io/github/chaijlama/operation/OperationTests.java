// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import java.net.http.HttpResponse;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.output.TokenUsage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.SpringBootVersion;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.Pocket;
import io.github.chaijlama.langchain4j.ChaiChatResponseMetadata;
import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.prefix.KvCacheFigures;

import static org.assertj.core.api.Assertions.assertThat;

/** What an application says of itself over HTTP is what it has done; on both lines of Spring Boot. */
@Tag("boot-lines")
@Timeout(120)
class OperationTests {
    private static final String NAME = "owner/pocket";
    private OperatedApplication application;

    @BeforeEach
    void start() {
        application = new OperatedApplication(List.of(), "--chai.model.path=" + Pocket.MODEL,
                "--chai.profile=" + Pocket.PROFILE, "--chai.model.name=" + NAME, "--chai.kv-cache.max-memory=64MB");
    }

    @AfterEach
    void stop() {
        application.close();
    }

    private ChaiChatResponseMetadata ask(String question) {
        return (ChaiChatResponseMetadata) application.context().getBean(ChatModel.class)
                .chat(ChatRequest.builder().messages(UserMessage.from(question)).build()).metadata();
    }

    @Test
    void runsOnTheLineThatIsMeant() {
        assertThat(SpringBootVersion.getVersion()).isEqualTo(System.getProperty("expected.spring-boot"));
    }

    @Test
    void prometheusScrapesWhatRoutersReadUnderTheirNames() {
        ChaiChatResponseMetadata first = ask(Pocket.QUESTION);
        ChaiChatResponseMetadata again = ask(Pocket.QUESTION);
        int prompt = first.tokenUsage().inputTokenCount();
        KvCacheFigures memory = application.context().getBean(ChaiEngine.class).textModel().kvCacheFigures()
                .orElseThrow();
        List<String> lines = application.scrape("/actuator/prometheus");

        assertThat(again.cachedPromptTokens()).isEqualTo(prompt - 1);
        assertThat(lines).contains("# TYPE vllm:num_requests_running gauge",
                "vllm:num_requests_running{model_name=\"owner/pocket\"} 0.0",
                "# TYPE vllm:num_requests_waiting gauge",
                "vllm:num_requests_waiting{model_name=\"owner/pocket\"} 0.0",
                "# TYPE vllm:kv_cache_usage_perc gauge",
                "vllm:kv_cache_usage_perc{model_name=\"owner/pocket\"} 0.0", // idle sequences give way
                "# TYPE vllm:cache_config_info gauge",
                "vllm:cache_config_info{block_size=\"" + memory.pageTokens() + "\",model_name=\"owner/pocket\","
                        + "num_gpu_blocks=\"" + memory.pagesPerHead() + "\"} 1",
                "# TYPE vllm:prefix_cache_queries_total counter",
                "vllm:prefix_cache_queries_total{model_name=\"owner/pocket\"} " + 2 * prompt + ".0",
                "# TYPE vllm:prefix_cache_hits_total counter",
                "vllm:prefix_cache_hits_total{model_name=\"owner/pocket\"} " + (prompt - 1) + ".0",
                "# TYPE vllm:time_to_first_token_seconds histogram",
                "vllm:time_to_first_token_seconds_bucket{model_name=\"owner/pocket\",le=\"2560.0\"} 2",
                "vllm:time_to_first_token_seconds_bucket{model_name=\"owner/pocket\",le=\"+Inf\"} 2",
                "vllm:time_to_first_token_seconds_count{model_name=\"owner/pocket\"} 2");
        assertThat(memory.idleBytes()).isPositive();
        assertThat(lines).filteredOn(line -> line.startsWith("vllm:time_to_first_token_seconds_bucket")).hasSize(23);
        double seconds = first.timeToFirstToken().plus(again.timeToFirstToken()).toNanos() / 1e9;
        assertThat(value(lines, "vllm:time_to_first_token_seconds_sum{model_name=\"owner/pocket\"}")).isBetween(
                seconds * 0.5, seconds * 2);
    }

    private static double value(List<String> lines, String metric) {
        return lines.stream().filter(line -> line.startsWith(metric + " ")).findFirst()
                .map(line -> Double.parseDouble(line.substring(metric.length() + 1))).orElseThrow();
    }

    @Test
    void routersReadTheSameBesideTheirOtherPaths() {
        ask(Pocket.QUESTION);
        assertThat(application.get("/metrics").headers().firstValue("Content-Type").orElseThrow())
                .startsWith("text/plain");
        List<String> own = OperatedApplication.forRouters(application.scrape("/metrics"));
        assertThat(own).hasSizeGreaterThan(30)
                .isEqualTo(OperatedApplication.forRouters(application.scrape("/actuator/prometheus")));
        assertThat(application.get("/health").statusCode()).isEqualTo(200);
    }

    @Test
    void metricsOfMicrometerCountWhatWasAskedAndAnswered() {
        TokenUsage first = ask("Tell me a story about a fox.").tokenUsage();
        TokenUsage second = ask(Pocket.QUESTION).tokenUsage();
        List<String> lines = application.scrape("/actuator/prometheus");
        String model = "model=\"owner/pocket\"";

        assertThat(lines).contains("chai_requests_seconds_count{" + model + ",outcome=\"stop\"} 2",
                "chai_requests_seconds_count{" + model + ",outcome=\"refused\"} 0",
                "chai_tokens_input_total{" + model + "} " + (first.inputTokenCount() + second.inputTokenCount())
                        + ".0",
                "chai_tokens_output_total{" + model + "} " + (first.outputTokenCount() + second.outputTokenCount())
                        + ".0",
                "chai_time_to_first_token_seconds_count{" + model + "} 2",
                "chai_time_between_tokens_seconds_count{" + model + "} 2",
                "chai_requests_running{" + model + "} 0.0", "chai_requests_waiting{" + model + "} 0.0",
                "chai_requests_refused_total{" + model + "} 0.0", "chai_requests_paused_total{" + model + "} 0.0",
                "chai_kv_cache_used_bytes{" + model + "} 0.0", "chai_kv_cache_usage{" + model + "} 0.0",
                "chai_kv_cache_idle_sequences{" + model + "} 2.0");
        JsonNode report = OperatedApplication.json(application.get("/actuator/chai/owner/pocket"));
        JsonNode clusters = report.path("attention").path("clusters");
        assertThat(clusters).isNotEmpty();
        for (int layer = 0; layer < clusters.size(); layer++) {
            assertThat(lines).contains("chai_attention_clusters{layer=\"" + layer + "\"," + model + "} "
                    + clusters.get(layer).asInt() + ".0");
        }
        JsonNode requests = report.path("requests");
        assertThat(value(lines, "chai_steps_seconds_count{" + model + "}"))
                .isEqualTo(requests.path("steps").asDouble()).isPositive();
        assertThat(value(lines, "chai_steps_seconds_sum{" + model + "}")).isPositive();
        assertThat(value(lines, "chai_steps_rows_total{" + model + "}"))
                .isEqualTo(requests.path("stepRows").asDouble())
                .isEqualTo(first.inputTokenCount() + first.outputTokenCount() - 1 + second.inputTokenCount()
                        + second.outputTokenCount() - 1 - requests.path("reusedTokens").asInt());
    }

    @Test
    void theEndpointShowsTheModelAndWhatBecameOfRequests() {
        ChaiChatResponseMetadata answer = ask(Pocket.QUESTION);
        JsonNode all = OperatedApplication.json(application.get("/actuator/chai")).path("models");
        assertThat(all).hasSize(1);
        JsonNode report = OperatedApplication.json(application.get("/actuator/chai/owner/pocket"));
        assertThat(report).isEqualTo(all.get(0));
        assertThat(report.path("model").path("name").asText()).isEqualTo(NAME);
        assertThat(report.path("model").path("family").asText()).isEqualTo("llama");
        assertThat(report.path("model").path("heads").asInt()).isEqualTo(8);
        assertThat(report.path("attention").path("ofNewSequences").asText()).isEqualTo("clustered");
        assertThat(report.path("attention").path("membership").asText()).isEqualTo("static");
        assertThat(report.path("kvCache").path("type").asText()).isEqualTo("f32");
        assertThat(report.path("kvCache").path("usedBytes").asLong()).isZero();
        assertThat(report.path("kvCache").path("idleBytes").asLong())
                .isGreaterThanOrEqualTo(answer.kvCacheBytes().orElseThrow());
        assertThat(report.path("requests").path("inputTokens").asInt())
                .isEqualTo(answer.tokenUsage().inputTokenCount());
        assertThat(report.path("sequences")).isEmpty();
        assertThat(application.get("/actuator/chai/other").statusCode()).isEqualTo(404);
    }

    /** A name with a slash is what is behind the path, as it is; nothing else of a path is decoded to one. */
    @Test
    void namesAreNotDecodedToOthers() {
        for (String path : List.of("owner%2Fpocket", "owner%2fpocket", "owner%252Fpocket", "owner%5Cpocket",
                "..%2Fchai%2Fowner%2Fpocket", "owner/pocket%00", "%2e%2e/health")) {
            for (HttpResponse<String> response : List.of(application.get("/actuator/chai/" + path),
                    application.post("/actuator/chai/" + path, "{\"attention\": \"exact\"}"),
                    application.delete("/actuator/chai/" + path))) {
                assertThat(response.statusCode()).as(path).isIn(400, 404, 405);
                assertThat(response.body()).as(path).doesNotContain("\tat ", "clusters", "UP");
            }
        }
        JsonNode report = OperatedApplication.json(application.get("/actuator/chai/owner/pocket"));
        assertThat(report.at("/attention/ofNewSequences").asText()).isEqualTo("clustered");
        assertThat(application.get("/actuator/chai/owner/%70ocket").statusCode()).as("letters are").isEqualTo(200);
    }

    @Test
    void theEndpointChangesTheAttentionOfNewSequences() {
        assertThat(ask(Pocket.QUESTION).attention()).isEqualTo(AttentionMode.CLUSTERED);
        JsonNode changed = OperatedApplication
                .json(application.post("/actuator/chai/owner/pocket", "{\"attention\": \"exact\"}"));
        assertThat(changed.path("attention").path("ofNewSequences").asText()).isEqualTo("exact");
        assertThat(ask(Pocket.QUESTION).attention()).isEqualTo(AttentionMode.EXACT);

        assertThat(application.post("/actuator/chai/owner/pocket", "{\"attention\": \"stock\"}").statusCode())
                .isEqualTo(400);
        assertThat(application.post("/actuator/chai/owner/pocket", "{\"attention\": \"none\"}").statusCode())
                .isEqualTo(400);
        assertThat(application.post("/actuator/chai/other", "{\"attention\": \"exact\"}").statusCode())
                .isEqualTo(400);
    }

    @Test
    void theEndpointDropsWhatIsKeptForLaterRequests() {
        ask(Pocket.QUESTION);
        JsonNode dropped = OperatedApplication.json(application.delete("/actuator/chai/owner/pocket"));
        assertThat(dropped.path("kvCache").path("idleSequences").asInt()).isZero();
        assertThat(dropped.path("kvCache").path("idleBytes").asLong()).isZero();
        assertThat(ask(Pocket.QUESTION).cachedPromptTokens()).isZero();
    }

    @Test
    void healthAndInfoNameTheModel() {
        JsonNode health = OperatedApplication.json(application.get("/actuator/health")).path("components")
                .path("chai");
        assertThat(health.path("status").asText()).isEqualTo("UP");
        assertThat(health.path("details").path(NAME).path("running").asInt(-1)).isZero();
        JsonNode info = OperatedApplication.json(application.get("/actuator/info")).path("chai").path(NAME);
        assertThat(info.path("family").asText()).isEqualTo("llama");
        assertThat(info.path("attention").asText()).isEqualTo("clustered");
    }
}
