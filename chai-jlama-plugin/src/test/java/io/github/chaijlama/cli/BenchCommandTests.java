// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.model.ModelConfig;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

class BenchCommandTests {
    /** Weights of the matrices of {@code mha}, which every token is multiplied with. */
    private static final long PARAMETERS = matrices(ModelConfig.read(GoldenCases.directory("mha")));

    @TempDir
    Path directory;

    private static long matrices(ModelConfig config) {
        long hidden = config.hiddenSize();
        return config.layers() * (4 * hidden * hidden + 3 * hidden * config.intermediateSize())
                + hidden * config.vocabularySize();
    }

    @Test
    void benchMeasuresEveryArm() {
        CommandRun run = CommandRun.of("bench", "--model", GoldenCases.directory("mha").toString(), "--clusters",
                "8x1,4x2", "--context",
                "8,16", "--runs", "2", "--decode", "3", "--threads", "2", "--warm-up", "0", "--json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode measurements = run.json().path("measurements");
        assertThat(measurements).hasSize(6);
        for (int i = 0; i < 6; i++) {
            JsonNode measurement = measurements.get(i);
            int context = i < 3 ? 8 : 16;
            assertThat(measurement.path("attention").asText())
                    .isEqualTo(List.of("STOCK", "EXACT", "CLUSTERED").get(i % 3));
            assertThat(measurement.path("context").asInt()).isEqualTo(context);
            assertThat(measurement.path("arm").asText()).isEqualTo(List.of("stock", "exact", "clustered").get(i % 3));
            assertThat(measurement.path("runs").asInt()).isEqualTo(2);
            assertThat(measurement.path("readsFromMemory").isBoolean()).isTrue();
            assertThat(measurement.has("extrapolated")).isFalse();
            for (JsonNode layer : measurement.path("attentionAlone")) {
                double flops = 2.0 * context * (context + 1) * 8 * 16;
                assertThat(layer.path("prefillGflops").asDouble())
                        .isCloseTo(flops / layer.at("/prefillMillis/median").asDouble() / 1e6, withinPercentage(0.01));
                assertThat(layer.path("decodeBytes").asDouble())
                        .isEqualTo((8 + layer.path("clusters").asInt()) * 16 * Float.BYTES * (context + 2.0));
                assertThat(layer.path("decodeShareOfPeak").isNumber()).isTrue();
                assertThat(layer.path("prefillShareOfPeak").isNumber()).isTrue();
            }
            JsonNode products = measurement.path("products");
            assertThat(products.path("decodeBytes").asDouble()).isEqualTo(Float.BYTES * (i % 3 == 2
                    ? PARAMETERS - 2 * 2 * 4 * 16 * 128
                    : PARAMETERS));
            assertThat(products.path("prefillShareOfPeak").asDouble()).isCloseTo(
                    products.at("/prefillGflops/median").asDouble()
                            / run.json().at("/peaks/multiplyAddGflops/median").asDouble(),
                    within(1e-9));
            assertThat(products.path("decodeShareOfPeak").asDouble()).isCloseTo(
                    products.at("/decodeGigabytesPerSecond/median").asDouble()
                            / run.json().at("/peaks/readGigabytesPerSecond/median").asDouble(),
                    within(1e-9));
            for (String step : List.of("prefillParts", "decodeParts")) {
                double sum = 0;
                for (String part : List.of("attention", "projections", "feedForward", "head", "other")) {
                    assertThat(measurement.path(step).path(part + "Millis").isNumber()).isTrue();
                    sum += measurement.path(step).path("shares").path(part).asDouble();
                }
                assertThat(sum).isCloseTo(1, within(1e-9));
            }
            assertThat(measurement.at("/prefillMillis/median").asDouble()).isPositive();
            assertThat(measurement.at("/decodeMillis/min").asDouble()).isPositive();
            assertThat(measurement.path("kvCacheBytes").asLong())
                    .isEqualTo(context * 16L * Float.BYTES * (i % 3 == 2 ? 16 + 12 + 12 : 48));
        }
        JsonNode againstStock = run.json().path("againstStock");
        assertThat(againstStock).hasSize(4);
        assertThat(againstStock.at("/3/arm").asText()).isEqualTo("clustered");
        assertThat(againstStock.at("/3/decodeStock").asText()).isEqualTo("stock");
        assertThat(againstStock.at("/3/decode").asDouble()).isCloseTo(
                measurements.at("/3/decodeMillis/median").asDouble()
                        / measurements.at("/5/decodeMillis/median").asDouble(),
                within(1e-9));
        assertThat(run.json().path("notes")).hasSize(2);
        assertThat(run.json().at("/notes/1").asText()).startsWith("stock-f32: not measured");
        assertThat(run.json().path("threads").asInt()).isEqualTo(2);
        assertThat(run.json().at("/peaks/multiplyAddGflops/median").asDouble()).isPositive();
        assertThat(run.json().at("/peaks/readGigabytesPerSecond/median").asDouble()).isPositive();
        assertThat(run.json().path("leftOut")).isEmpty();
        assertThat(run.err()).contains("run 2 of 2: 16 tokens, clustered");
    }

    @Test
    void benchForPeopleSaysWhatItsNumbersAreAndDrawsThem() throws IOException {
        Path report = directory.resolve("report.html");
        CommandRun run = CommandRun.of("bench", "--model", GoldenCases.directory("mha").toString(), "--clusters",
                "8x1,4x2", "--context",
                "16,32", "--runs", "1", "--decode", "2", "--warm-up", "0", "--report", report.toString());
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("measured peaks:").contains("time to first token, ms")
                .contains("2 N (N+1) H d a layer, whatever the arm computes").contains("where the time goes")
                .contains("run once more beside each step and subtracted")
                .contains("stock: 32-bit activations, which Jlama takes with F32 weights")
                .contains("stock-f32: not measured").contains("times as fast as stock").contains("matrix products:")
                .contains("not above 4 times the last-level cache").doesNotContain("EXTRAPOLATED")
                .doesNotContain("left out");
        assertThat(run.err()).contains("report: " + report);
        assertThat(report).content().contains("Time to first token", "One more token",
                "stock: 32-bit activations", "Times as fast as stock", "Matrix products",
                "Attention alone, prefill, a layer", "peak of the machine", "mha", "as stored", "clusters", "0.8.4")
                .doesNotContain("Extrapolated").doesNotContain("Left out");
        assertThat(directory.toFile().list()).containsExactly("report.html");
    }

    @Test
    void benchMeasuresClientsAtOnce() {
        String[] arguments = { "bench", "--model", GoldenCases.directory("mha").toString(), "--clusters", "8x1,4x2",
                "--context", "8,16", "--clients", "1,3", "--runs", "2", "--decode", "3", "--warm-up", "0", "--incoming",
                "40" };
        CommandRun text = CommandRun.of(arguments);
        assertThat(text.exitCode()).as(text.err()).isZero();
        assertThat(text.out()).contains("tokens/s", "to the first token, ms", "between tokens, ms", "clustered",
                "a prompt comes in while answers go on").doesNotContain("stock");

        CommandRun run = CommandRun.of(Stream.concat(Stream.of(arguments), Stream.of("--json")).toArray(String[]::new));
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode clients = run.json().path("clients");
        assertThat(clients).hasSize(8);
        assertThat(clients).extracting(each -> each.path("arm").asText() + " " + each.path("context") + " "
                + each.path("clients")).containsExactly("exact 8 1", "exact 8 3", "exact 16 1", "exact 16 3",
                        "clustered 8 1", "clustered 8 3", "clustered 16 1", "clustered 16 3");
        assertThat(clients).allSatisfy(each -> {
            assertThat(each.path("tokensPerSecond").asDouble()).isPositive();
            for (String kind : List.of("firstTokenMillis", "betweenTokensMillis")) {
                double median = each.path(kind).path("median").asDouble();
                assertThat(median).isPositive();
                assertThat(each.path(kind).path("percentile99").asDouble()).isGreaterThanOrEqualTo(median);
            }
        });
        assertThat(run.json().path("answerTokens").asInt()).isEqualTo(3);
        assertThat(run.json().path("incoming")).hasSize(8).allSatisfy(each -> {
            assertThat(each.path("prompt").asInt()).isEqualTo(40);
            assertThat(each.path("firstTokenAloneMillis").asDouble()).isPositive();
            assertThat(each.path("firstTokenMillis").asDouble()).isPositive();
            assertThat(each.path("betweenTokensWithoutMillis").path("median").asDouble()).isPositive();
            assertThat(each.path("betweenTokensMillis").path("median").asDouble()).isPositive();
        });
    }

    @Test
    void impossibleClientsAreRefused() {
        String model = GoldenCases.directory("mha").toString();
        assertThat(CommandRun.of("bench", "--model", model, "--arms", "exact", "--clients", "0").err())
                .contains("--clients must be at least 1, found [0]");
        assertThat(CommandRun.of("bench", "--model", model, "--arms", "exact", "--incoming", "9").err())
                .contains("--incoming must be at least 1 and needs --clients, found 9");
        assertThat(CommandRun.of("bench", "--model", model, "--arms", "stock", "--clients", "2").err())
                .contains("--clients measures exact and clustered arms only");
        assertThat(CommandRun.of("bench", "--model", model, "--arms", "exact", "--clients", "2", "--decode", "1").err())
                .contains("--clients needs answers of 2 tokens or more");
        assertThat(CommandRun.of("bench", "--model", model, "--arms", "exact", "--clients", "2", "--max-seconds", "9")
                .err()).contains("--clients knows neither --report nor --max-seconds");
    }

    @Test
    void benchMeasuresEveryTypeOfKeysAndValues() {
        CommandRun run = CommandRun.of("bench", "--model", GoldenCases.directory("mha").toString(), "--clusters",
                "8x1,4x2", "--context",
                "8", "--arms", "stock,exact,clustered", "--kv", "F32,bf16,I8", "--runs", "1", "--decode", "2",
                "--warm-up", "0", "--json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode measurements = run.json().path("measurements");
        assertThat(measurements).hasSize(7);
        long[] rowBytes = { 64, 32, 20 };
        for (int i = 0; i < 7; i++) {
            JsonNode measurement = measurements.get(i);
            int type = i == 0 ? 0 : (i - 1) % 3;
            assertThat(measurement.path("kv").asText()).isEqualTo(List.of("F32", "BF16", "I8").get(type));
            assertThat(measurement.path("kvCacheBytes").asLong())
                    .isEqualTo(8 * rowBytes[type] * (i > 3 ? 16 + 12 + 12 : 48));
        }
        assertThat(measurements.get(2).path("arm").asText()).isEqualTo("exact bf16");
    }

    @Test
    void benchStopsWhenItsTimeIsOverAndSaysWhatIsLeftOut() {
        CommandRun run = CommandRun.of("bench", "--model", GoldenCases.directory("mha").toString(), "--arms", "exact",
                "--context", "8",
                "--runs", "1000000", "--max-seconds", "1", "--json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.json().path("leftOut")).hasSize(1);
        assertThat(run.json().at("/leftOut/0").asText()).startsWith("8 tokens, exact: ");
    }
}
