// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.GoldenCases.GoldenCase;
import io.github.chaijlama.TestModels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

/** The command in this JVM; {@link ChaiJarIT} runs the jar. */
class ChaiCommandTests {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final String POCKET = TestModels.POCKET.toString();
    private static final String PROFILE = TestModels.POCKET_PROFILE.toString();

    @TempDir
    Path directory;

    /** What a run gave. */
    private record Run(int exitCode, String out, String err) {
        JsonNode json() {
            try {
                return MAPPER.readTree(out);
            } catch (JsonProcessingException e) {
                throw new AssertionError(out, e);
            }
        }
    }

    private static Run run(String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine command = ChaiCommand.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        return new Run(command.execute(args), out.toString(), err.toString());
    }

    static Stream<Arguments> goldenCases() {
        return GoldenCases.all().stream()
                .flatMap(golden -> Stream.of(1, 7, 4096).map(batch -> Arguments.of(golden, batch)));
    }

    @ParameterizedTest
    @MethodSource("goldenCases")
    void logitsPrintsEveryGoldenCase(GoldenCase golden, int batch) throws IOException {
        List<String> args = new ArrayList<>(List.of("logits", "--model", golden.directory().toString(), "--tokens",
                Arrays.stream(golden.tokens()).mapToObj(Integer::toString).collect(Collectors.joining(",")), "--batch",
                Integer.toString(batch), "--json"));
        if (golden.profile() != null) {
            Path profile = directory.resolve("profile.json");
            golden.profile().write(profile);
            args.addAll(List.of("--attention", "clustered", "--profile", profile.toString()));
        }
        Run run = run(args.toArray(String[]::new));

        assertThat(run.exitCode()).as(run.err()).isZero();
        float[] logits = MAPPER.convertValue(run.json().path("logits"), float[].class);
        assertThat(TestModels.maxDifference(logits, golden.logits())).isLessThan(golden.tolerance());
        JsonNode layers = run.json().path("layers");
        assertThat(layers).hasSize(3);
        long keyHeads = 0;
        int group = golden.model().equals("gqa") ? 4 : 1;
        for (int layer = 0; layer < 3; layer++) {
            int[] member = MAPPER.convertValue(layers.get(layer).path("member"), int[].class);
            int[] representatives = MAPPER.convertValue(layers.get(layer).path("representatives"), int[].class);
            if (golden.layers() != null) {
                assertThat(member).containsExactly(golden.layers().get(layer).members());
                assertThat(representatives).containsExactly(golden.layers().get(layer).representatives());
            }
            keyHeads += Arrays.stream(representatives).map(head -> head / group).distinct().count();
        }
        long bytes = golden.tokens().length * (keyHeads + 3 * 8 / group) * 16 * Float.BYTES;
        assertThat(run.json().path("kvCacheBytes").asLong()).isEqualTo(bytes);
        assertThat(run.json().path("kvCacheAllocatedBytes").asLong()).isGreaterThanOrEqualTo(bytes);
    }

    @Test
    void logitsOfStockHaveNoBytes() {
        Run run = run("logits", "--model", GoldenCases.directory("mha").toString(), "--tokens", "0,5,9", "--attention",
                "stock", "--json");
        assertThat(run.exitCode()).isZero();
        assertThat(run.json().path("kvCacheBytes").isNull()).isTrue();
        assertThat(run.json().path("kvCacheAllocatedBytes").isNull()).isTrue();
        assertThat(run.json().path("layers").get(0).path("member")).hasSize(8);
        assertThat(run.json().path("logits")).hasSize(256);
    }

    @Test
    void logitsForPeopleShowTheMostLikely() {
        Run run = run("logits", "--model", GoldenCases.directory("mha").toString(), "--tokens", "0,5,9");
        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).contains("most likely next tokens:").contains("layer 2: 8 clusters")
                .contains("bytes used");
    }

    @Test
    void infoDescribesModelMachineAndSaving() {
        Run run = run("info", "--model", POCKET, "--profile", PROFILE, "--json");
        assertThat(run.exitCode()).isZero();
        assertThat(run.json().at("/model/type").asText()).isEqualTo("llama");
        assertThat(run.json().at("/model/parameters").asLong()).isEqualTo(4_787_456);
        assertThat(run.json().at("/kvCache/exactBytesPerToken").asLong()).isEqualTo(96 * 32 * 4);
        assertThat(run.json().at("/kvCache/clusteredBytesPerToken").asLong()).isEqualTo(82 * 32 * 4);
        assertThat(run.json().at("/kvCache/saving").asDouble()).isCloseTo(14.0 / 96, within(1e-12));
        assertThat(run.json().at("/profile/clusters")).hasSize(6);
        assertThat(run("info", "--model", POCKET, "--profile", PROFILE).out()).contains("[8,3,3,6,8,6]")
                .containsPattern("membership +STATIC\\R").containsPattern("saving +14.6 %")
                .containsPattern("endTokens +\\[1]");
        assertThat(run("info", "--model", POCKET).out()).contains("weightType").contains("BF16")
                .contains("operators").contains("kernels");
    }

    @Test
    void generateAnswersAndReports() {
        String question = "Read this: Finn was a lucky owl. Finn lived near the meadow. One cold morning, Finn went to "
                + "the river. There Finn found a green whistle. Then Rose the penguin came to help.\nWhere did Finn "
                + "go?";
        for (String[] attention : new String[][]{ {}, { "--profile", PROFILE }, { "--attention", "stock" } }) {
            List<String> args = new ArrayList<>(List.of("generate", "--model", POCKET, "--chat", question));
            args.addAll(List.of(attention));
            Run run = run(args.toArray(String[]::new));
            assertThat(run.exitCode()).as(run.err()).isZero();
            assertThat(run.out()).contains("river");
            assertThat(run.err()).contains("END_TOKEN")
                    .contains(
                            attention.length == 0 ? "EXACT" : attention[0].equals("--profile") ? "CLUSTERED" : "STOCK");
        }
    }

    @Test
    void generateIsRepeatableWithASeed() {
        String[] args = { "generate", "--model", POCKET, "--prompt", "Once there was", "--max-tokens", "30",
                "--temperature", "1.1", "--top-p", "0.9", "--top-k", "50", "--seed", "7", "--json" };
        Run run = run(args);
        assertThat(run.exitCode()).isZero();
        assertThat(run.json().path("finishReason").asText()).isEqualTo("MAX_TOKENS");
        assertThat(run.json().path("generatedTokens").asInt()).isEqualTo(30);
        assertThat(run(args).json().path("text")).isEqualTo(run.json().path("text"));
    }

    @Test
    void infoTellsWhatQuantizedWeightsTake() {
        JsonNode stored = run("info", "--model", POCKET, "--weights", "stored", "--json").json().path("model");
        JsonNode q4 = run("info", "--model", POCKET, "--weights", "Q4", "--json").json().path("model");
        assertThat(stored.path("weightType").asText()).isEqualTo("BF16");
        assertThat(q4.path("weightType").asText()).isEqualTo("Q4");
        assertThat(q4.path("parameters")).isEqualTo(stored.path("parameters"));
        // 20 bytes instead of 64 for every 32 values, but for embedding and norms.
        assertThat(q4.path("weightBytes").asLong()).isLessThan(stored.path("weightBytes").asLong() / 2);
    }

    @Test
    void aMessageMayBeginWithAnAtSign() throws IOException {
        Path file = Files.writeString(directory.resolve("note"), "--nonsense");
        Run run = run("generate", "--model", POCKET, "--prompt", "@" + file, "--max-tokens", "1", "--json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.json().path("promptTokens").asInt()).isGreaterThan(10);
    }

    @Test
    void infoNeedsNoTokenizer() throws IOException {
        for (String file : List.of("config.json", "model.safetensors")) {
            Files.copy(GoldenCases.directory("mha").resolve(file), directory.resolve(file));
        }
        Run run = run("info", "--model", directory.toString(), "--json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.json().at("/text/tokenizer").isNull()).isTrue();
        assertThat(run("info", "--model", POCKET, "--json").json().at("/text/chatTemplate").booleanValue()).isTrue();
    }

    @Test
    void benchMeasuresEveryArm() {
        Run run = run("bench", "--model", GoldenCases.directory("mha").toString(), "--clusters", "8x1,4x2", "--context",
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
        assertThat(run.json().path("threads").asInt()).isEqualTo(2);
        assertThat(run.json().at("/peaks/multiplyAddGflops/median").asDouble()).isPositive();
        assertThat(run.json().at("/peaks/readGigabytesPerSecond/median").asDouble()).isPositive();
        assertThat(run.json().path("leftOut")).isEmpty();
        assertThat(run.err()).contains("run 2 of 2: 16 tokens, clustered");
    }

    @Test
    void benchForPeopleSaysWhatItsNumbersAreAndDrawsThem() throws IOException {
        Path report = directory.resolve("report.html");
        Run run = run("bench", "--model", GoldenCases.directory("mha").toString(), "--clusters", "8x1,4x2", "--context",
                "16,32", "--runs", "1", "--decode", "2", "--warm-up", "0", "--report", report.toString());
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("measured peaks:").contains("time to first token, ms")
                .contains("2 N (N+1) H d a layer, whatever the arm computes").contains("where the time goes")
                .contains("run once more beside each step and subtracted")
                .contains("not above 4 times the last-level cache").doesNotContain("EXTRAPOLATED")
                .doesNotContain("left out");
        assertThat(run.err()).contains("report: " + report);
        assertThat(report).content().contains("Time to first token", "One more token",
                "Attention alone, prefill, a layer", "peak of the machine", "mha", "as stored", "clusters", "0.8.4")
                .doesNotContain("Extrapolated").doesNotContain("Left out");
        assertThat(directory.toFile().list()).containsExactly("report.html");
    }

    @Test
    void benchMeasuresEveryTypeOfKeysAndValues() {
        Run run = run("bench", "--model", GoldenCases.directory("mha").toString(), "--clusters", "8x1,4x2", "--context",
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
        Run run = run("bench", "--model", GoldenCases.directory("mha").toString(), "--arms", "exact", "--context", "8",
                "--runs", "1000000", "--max-seconds", "1", "--json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.json().path("leftOut")).hasSize(1);
        assertThat(run.json().at("/leftOut/0").asText()).startsWith("8 tokens, exact: ");
    }

    @ParameterizedTest
    @ValueSource(strings = { "", "info", "generate", "logits", "bench" })
    void everyCommandHasHelp(String command) {
        Run run = command.isEmpty() ? run("--help") : run(command, "--help");
        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).contains("Usage: chai " + command);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            ''                                                                  | a command is missing
            nonsense                                                            | nonsense
            logits --model M                                                    | --tokens
            logits --tokens 1                                                   | --model
            logits --model GOLDEN --tokens 1,x                                  | 'x' is not an int
            logits --model GOLDEN --tokens 1,256                                | --tokens must be 0 to 255, found 256
            logits --model GOLDEN --tokens 1 --batch 0                          | --batch must be at least 1, found 0
            logits --model GOLDEN --tokens 1 --attention clustered | --attention clustered needs --profile FILE
            logits --model GOLDEN --tokens 1 --attention sideways               | sideways
            logits --model GOLDEN --tokens 1 --threads 0                        | --threads must be 1 to 1024, found 0
            logits --model GOLDEN --tokens 1 --kv-cache much | expected a size like 1000000, 512MiB or 2G, found 'much'
            logits --model GOLDEN --tokens 1 --kv-cache 0                       | expected a size of at least 1 byte
            logits --model GOLDEN --tokens 1 --kv-cache 99999999T               | expected a size of at least 1 byte
            logits --model GOLDEN --tokens 1 --kv-cache 1G --attention stock    | --kv-cache has no effect
            bench --model GOLDEN --clusters 1x3 --layers 3 | --layers and --weights describe a generated model
            bench --model GOLDEN --clusters 9x3 --context 8 | --clusters must be 1 to 8 in every layer, the model's \
            heads; found 9
            bench --model GOLDEN --clusters 8x2 --context 8 | --clusters names 2 layers, the model has 3
            bench --model GOLDEN --clusters 99999999999x3 --context 8           | --clusters must be like 32x18,4x14
            bench --model GOLDEN --clusters 8x3 --context 2147483647 | --context and --decode must be at most 1048576 \
            together, found 2147483663
            bench --model GOLDEN --clusters 8x3 --context 2048 | need 2064 tokens, the model's context holds 2048
            bench --model GOLDEN --context 8 | clustered needs --profile FILE or --clusters
            bench --model GOLDEN --clusters 8x3 --threads 0                     | --threads must be 1 to 1024, found 0
            bench --shape llama-3-900b --clusters 8x4                           | llama-3-900b
            bench --shape llama-2-7b --weights Q5 --clusters 8x4                | expected one of [F32, BF16, Q4]
            bench --shape llama-2-7b --clusters 33x4                            | --clusters must be 1 to 32
            bench --shape llama-2-7b --clusters 32x18,4x13 | --clusters names 31 layers, the model has 4
            bench --shape llama-2-7b --clusters 32x18,33x14                     | --clusters must be 1 to 32
            bench --model GOLDEN --clusters 8x3 --max-seconds 0 | --max-seconds must be 1 to 1000000000, found 0
            bench --model GOLDEN --clusters 8x3 --warm-up -1                    | --warm-up must be 0 or more, found -1
            bench --model GOLDEN --clusters 8x3 --report nowhere/a.html | --report must name a file in a directory \
            that exists, found nowhere/a.html
            bench --model GOLDEN --clusters 8x3 --report GOLDEN | --report must name a file in a directory that exists
            bench --model GOLDEN --clusters 8x3 --kv I4                         | expected one of [F32, BF16, I8]
            bench --model GOLDEN --clusters 8x3 --runs 0                        | --runs must be at least 1, found 0
            generate --model POCKET                                             | --prompt=TEXT
            generate --model POCKET --prompt a --chat b                         | mutually exclusive
            generate --model POCKET --prompt a --temperature -1 | temperature must be 0 or more, found -1.0
            generate --model POCKET --prompt a --top-p 2 | top-p must be above 0 and at most 1, found 2.0
            generate --model POCKET --prompt a --top-k 0 | top-k must be at least 1 token, found 0
            generate --model POCKET --prompt a --max-tokens 0                   | allowed at least 1 token, found 0
            """)
    void badUsageIsExitCodeTwoAndAMessage(String line, String message) {
        assertRun(line, 2, message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            info --model nowhere                                      | model directory nowhere does not exist
            info --model POCKET --profile nowhere.json                | profile nowhere.json does not exist
            info --model GOLDEN --profile PROFILE                     | was made for another model
            logits --model nowhere --tokens 1                         | model directory nowhere does not exist
            logits --model GOLDEN --tokens 1 --kv-cache 1000          | the budget is 1000
            generate --model POCKET --prompt a --kv-cache 900k        | key/value cache is full
            bench --model GOLDEN --profile PROFILE --context 8        | was made for another model
            bench --model GOLDEN --clusters 1x3 --context 8 --kv-cache 250k --runs 1 --arms exact | key/value cache is \
            full
            generate --model GOLDEN --chat hello                      | has no chat template
            """)
    void aFailedRunIsExitCodeOneAndASentence(String line, String message) {
        assertRun(line, 1, message);
    }

    private static void assertRun(String line, int exitCode, String message) {
        String[] args = line.isEmpty() ? new String[0]
                : line.replace("POCKET", POCKET).replace("PROFILE", PROFILE)
                        .replace("GOLDEN", GoldenCases.directory("mha").toString()).split(" ");
        Run run = run(args);
        assertThat(run.exitCode()).as(run.err()).isEqualTo(exitCode);
        assertThat(run.err()).contains(message).doesNotContain("\tat ").doesNotContain("Exception");
        assertThat(run.out()).isEmpty();
    }

    @Test
    void anOverlongPromptIsASentence(@TempDir Path small) throws IOException {
        for (String file : List.of("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")) {
            Files.copy(TestModels.POCKET.resolve(file), small.resolve(file));
        }
        Path config = small.resolve("config.json");
        Files.writeString(config, Files.readString(config).replace("2048", "16"));
        Run run = run("generate", "--model", small.toString(), "--prompt", "a story about a fox and a bear ".repeat(9));
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains("the model's context holds 16 tokens, this sequence would have")
                .doesNotContain("\tat ");
    }

    private static final String TEXT = "{\"messages\":[{\"role\":\"user\",\"text\":\"Did Ben go home?\"},"
            + "{\"role\":\"assistant\",\"text\":\"Yes, Ben went home.\"}]}\n";
    private static final String TASK = "{\"kind\":\"yesno\",\"messages\":[{\"role\":\"user\",\"text\":\"Did Ben go "
            + "home?\"}],\"choices\":[\"Yes\",\"No\"],\"answer\":0,\"text\":\"Yes, Ben went home.\"}\n";

    private Path file(String name, String content) throws IOException {
        return Files.writeString(directory.resolve(name), content);
    }

    @Test
    void evaluateComparesProfilesOnTextsAndTasks() throws IOException {
        String texts = file("texts.jsonl", TEXT + "nonsense\n" + TEXT + "{\"text\":\"Yes\"}\n").toString();
        String tasks = file("tasks.jsonl", TASK + TASK + TASK.replace("yesno", "other")).toString();
        String exact = file("exact.json", """
                {"format": "chai-profile/1",
                 "model": {"type": "llama", "layers": 6, "heads": 8, "kvHeads": 8, "headSize": 32},
                 "clusters": [8, 8, 8, 8, 8, 8],
                 "membership": {"kind": "ONLINE", "window": 5, "algorithm": "AGGLOMERATIVE", "representative": "FIRST"}}
                """).toString();
        Run run = run("evaluate", "--model", POCKET, "--texts", texts, "--tasks", tasks, "--profile", PROFILE,
                "--profile", exact, "--json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.err()).contains("skipped " + texts + ", line 2: expected a JSON object").contains("3 texts, ")
                .contains("3 tasks").contains("texts: done after").contains("tasks: done after");
        JsonNode json = run.json();
        assertThat(json.at("/texts/badLines").asInt()).isEqualTo(1);
        assertThat(json.at("/texts/exact/perplexity/value").asDouble()).isGreaterThan(1);
        assertThat(json.at("/texts/arms/0/name").asText()).isEqualTo("pocket.json");
        assertThat(json.at("/texts/arms/0/clusters")).hasSize(6);
        assertThat(json.at("/texts/arms/0/divergence/value").asDouble()).isPositive();
        assertThat(json.at("/texts/arms/0/kvCacheRelative").asDouble()).isCloseTo(82.0 / 96, within(1e-12));
        assertThat(json.at("/texts/arms/1/divergence/value").asDouble()).isZero();
        assertThat(json.at("/texts/arms/1/perplexityIncrease/standardError").asDouble()).isZero();
        assertThat(json.at("/texts/arms/1/textsWithoutClusters").asInt()).isEqualTo(1);
        assertThat(json.at("/tasks/count").asInt()).isEqualTo(3);
        assertThat(json.at("/tasks/exact/overall/tasks").asInt()).isEqualTo(3);
        assertThat(json.at("/tasks/arms/1/overall/differences/answerLoss/value").asDouble()).isZero();
        assertThat(json.at("/tasks/arms/1/kinds/0/kind").asText()).isEqualTo("other");
        assertThat(json.at("/tasks/arms/1/kinds/0/measures/accuracy/standardError").isNull()).isTrue();

        Run forPeople = run("evaluate", "--model", POCKET, "--texts", texts, "--tasks", tasks, "--profile", exact,
                "--limit", "2", "--max-tokens", "6");
        assertThat(forPeople.exitCode()).isZero();
        assertThat(forPeople.err()).contains("2 texts, 12 tokens, 2 cut at 6; the file has more")
                .contains("2 tasks; the file has more");
        assertThat(forPeople.out()).contains("perplexity").contains("exact.json").contains("acc_norm");
    }

    @Test
    void evaluateWritesAReport() throws IOException {
        String texts = file("texts.jsonl", TEXT + "nonsense\n" + TEXT + "{\"text\":\"Yes\"}\n").toString();
        String tasks = file("tasks.jsonl", TASK + TASK + TASK.replace("yesno", "other")).toString();
        Path report = directory.resolve("report.html");
        Run run = run("evaluate", "--model", POCKET, "--texts", texts, "--tasks", tasks, "--profile", PROFILE, "--kv",
                "F32,I8", "--report", report.toString());
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("perplexity");
        assertThat(report).content().contains("3 texts", "3 tasks", "pocket.json I8", "Same most likely token",
                "Quality against saving", "all, greedy exact match", "yesno, likeliest choice", "bad lines skipped",
                "clusters 8, 3, 3, 6, 8, 6; STATIC; keys and values I8", "exact attention; keys and values I8",
                "0.8.4");

        run = run("evaluate", "--model", POCKET, "--tasks", tasks, "--report", report.toString());
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(report).content().contains("all, likeliest choice").doesNotContain("Perplexity")
                .doesNotContain("Quality against saving");
        assertFails(2, "--report must name a file in a directory that exists, found ", "--model", POCKET, "--tasks",
                tasks, "--report", directory.resolve("no/report.html").toString());
    }

    @Test
    void evaluateSaysWhatIsWrong() throws IOException {
        String texts = file("texts.jsonl", TEXT).toString();
        String empty = file("empty.jsonl", "").toString();
        String missing = directory.resolve("missing.jsonl").toString();
        assertFails(2, "there is nothing to evaluate: give --texts FILE, --tasks FILE or both", "--model", POCKET);
        assertFails(2, "--limit must be at least 1, found 0", "--model", POCKET, "--texts", texts, "--limit", "0");
        assertFails(2, "--labels belongs to --tasks FILE", "--model", POCKET, "--texts", texts, "--labels", texts);
        assertFails(2, "--max-tokens must be 2 to 2048, what the model's context holds; found 4096", "--model", POCKET,
                "--texts", texts, "--max-tokens", "4096");
        assertFails(1, "chai: " + empty + " is empty: expected texts", "--model", POCKET, "--texts", empty);
        assertFails(1, "chai: " + empty + " is empty: expected tasks", "--model", POCKET, "--tasks", empty);
        assertFails(1, "chai: " + missing + " does not exist", "--model", POCKET, "--tasks", missing);
        assertFails(1, "chai: " + texts + " has no tasks that can be used: 1 bad lines", "--model", POCKET, "--tasks",
                texts);
        assertFails(1, "chai: the profile was made for another model", "--model",
                GoldenCases.directory("mha").toString(), "--texts", texts, "--profile", PROFILE);
    }

    private static void assertFails(int exitCode, String message, String... args) {
        List<String> all = new ArrayList<>(List.of("evaluate"));
        all.addAll(List.of(args));
        Run run = run(all.toArray(String[]::new));
        assertThat(run.exitCode()).as(run.err()).isEqualTo(exitCode);
        assertThat(run.err()).contains(message).doesNotContain("\tat ");
    }
}
