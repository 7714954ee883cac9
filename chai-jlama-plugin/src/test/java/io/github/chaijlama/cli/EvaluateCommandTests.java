// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.TestModels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

class EvaluateCommandTests {
    private static final String POCKET = TestModels.POCKET.toString();
    private static final String PROFILE = TestModels.POCKET_PROFILE.toString();
    private static final String TEXT = "{\"messages\":[{\"role\":\"user\",\"text\":\"Did Ben go home?\"},"
            + "{\"role\":\"assistant\",\"text\":\"Yes, Ben went home.\"}]}\n";
    private static final String TASK = "{\"kind\":\"yesno\",\"messages\":[{\"role\":\"user\",\"text\":\"Did Ben go "
            + "home?\"}],\"choices\":[\"Yes\",\"No\"],\"answer\":0,\"text\":\"Yes, Ben went home.\"}\n";

    @TempDir
    Path directory;

    private Path file(String name, String content) throws IOException {
        return Files.writeString(directory.resolve(name), content);
    }

    @Test
    void evaluateComparesProfilesOnTextsAndTasks() throws IOException {
        String texts = file("texts.jsonl", TEXT + "nonsense\n" + TEXT + "{\"text\":\"Yes, yes\"}\n").toString();
        String tasks = file("tasks.jsonl", TASK + TASK + TASK.replace("yesno", "other")).toString();
        String exact = file("exact.json", """
                {"format": "chai-profile/1",
                 "model": {"type": "llama", "layers": 6, "heads": 8, "kvHeads": 8, "headSize": 32},
                 "clusters": [8, 8, 8, 8, 8, 8],
                 "membership": {"kind": "ONLINE", "window": 5, "algorithm": "AGGLOMERATIVE", "representative": "FIRST"}}
                """).toString();
        CommandRun run = CommandRun.of("evaluate", "--model", POCKET, "--texts", texts, "--tasks", tasks, "--profile",
                PROFILE,
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
        assertThat(json.at("/texts/arms/0/kvCacheRelative").asDouble()).isCloseTo(88.0 / 96, within(1e-12));
        assertThat(json.at("/texts/arms/1/divergence/value").asDouble()).isZero();
        assertThat(json.at("/texts/arms/1/perplexityIncrease/standardError").asDouble()).isZero();
        assertThat(json.at("/texts/arms/1/textsWithoutClusters").asInt()).isEqualTo(1);
        assertThat(json.at("/tasks/count").asInt()).isEqualTo(3);
        assertThat(json.at("/tasks/exact/overall/tasks").asInt()).isEqualTo(3);
        assertThat(json.at("/tasks/arms/1/overall/differences/answerLoss/value").asDouble()).isZero();
        assertThat(json.at("/tasks/arms/1/kinds/0/kind").asText()).isEqualTo("other");
        assertThat(json.at("/tasks/arms/1/kinds/0/measures/accuracy/standardError").isNull()).isTrue();

        CommandRun forPeople = CommandRun.of("evaluate", "--model", POCKET, "--texts", texts, "--tasks", tasks,
                "--profile", exact,
                "--limit", "2", "--max-tokens", "6");
        assertThat(forPeople.exitCode()).isZero();
        assertThat(forPeople.err()).contains("2 texts, 12 tokens, 2 cut at 6; the file has more")
                .contains("2 tasks; the file has more");
        assertThat(forPeople.out()).contains("perplexity").contains("exact.json").contains("acc_norm");
    }

    @Test
    void evaluateWritesAReport() throws IOException {
        String texts = file("texts.jsonl", TEXT + "nonsense\n" + TEXT + "{\"text\":\"Yes, yes\"}\n").toString();
        String tasks = file("tasks.jsonl", TASK + TASK + TASK.replace("yesno", "other")).toString();
        Path report = directory.resolve("report.html");
        CommandRun run = CommandRun.of("evaluate", "--model", POCKET, "--texts", texts, "--tasks", tasks, "--profile",
                PROFILE, "--kv",
                "F32,I8", "--report", report.toString());
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("perplexity");
        assertThat(report).content().contains("3 texts", "3 tasks", "pocket.json I8", "Same most likely token",
                "Quality against saving", "all, greedy exact match", "yesno, likeliest choice", "bad lines skipped",
                "clusters 8, 7, 6, 3, 8, 8; STATIC; keys and values I8", "exact attention; keys and values I8",
                "0.8.4");

        run = CommandRun.of("evaluate", "--model", POCKET, "--tasks", tasks, "--report", report.toString());
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
        CommandRun run = CommandRun.of(all.toArray(String[]::new));
        assertThat(run.exitCode()).as(run.err()).isEqualTo(exitCode);
        assertThat(run.err()).contains(message).doesNotContain("\tat ");
    }
}
