// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

import io.github.chaijlama.SmallFileSystem;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;

import static org.assertj.core.api.Assertions.assertThat;

class CalibrateCommandTests {
    private static final String POCKET = TestModels.POCKET.toString();

    @TempDir
    Path directory;
    private Path texts;
    private Path out;

    /** Without a guard, which takes longer than all else of these few texts. */
    private CommandRun calibrate(String... more) {
        List<String> args = new ArrayList<>(List.of("--no-answer-guard"));
        args.addAll(List.of(more));
        return guarded(args.toArray(String[]::new));
    }

    private CommandRun guarded(String... more) {
        List<String> args = new ArrayList<>(
                List.of("calibrate", "--model", POCKET, "--texts", texts.toString(), "--out", out.toString()));
        args.addAll(List.of(more));
        return CommandRun.of(args.toArray(String[]::new));
    }

    @BeforeEach
    void writeTexts() throws IOException {
        texts = directory.resolve("texts.jsonl");
        out = directory.resolve("profile.json");
        StringBuilder lines = new StringBuilder();
        for (String name : List.of("Ben", "Ruby", "Alice", "Theo", "Finn", "Rose", "Jack", "Daisy")) {
            lines.append("{\"messages\": [{\"role\": \"user\", \"text\": \"Tell me a story about ").append(name)
                    .append(".\"}, {\"role\": \"assistant\", \"text\": \"").append(name)
                    .append(" was a cheerful fox. ").append(name).append(" had a small house by the hill.\"}]}\n");
        }
        Files.writeString(texts, lines);
    }

    @Test
    void writesAProfileAndNothingElse() {
        CommandRun run = calibrate("--membership", "online", "--window", "7", "--offset", "2", "--algorithm", "kmeans",
                "--representative", "first");

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(directory.toFile().list()).containsExactlyInAnyOrder("texts.jsonl", "profile.json");
        ClusterProfile profile = ClusterProfile.read(out);
        assertThat(profile.membership()).isInstanceOfSatisfying(Membership.Online.class,
                online -> assertThat(online.window() + " " + online.offset()).isEqualTo("7 2"));
        assertThat(profile.fingerprint().orElseThrow()).startsWith("sha256:");
        assertThat(run.out()).contains("4 texts").contains("written to").contains("held-out");
        assertThat(CommandRun.of("info", "--model", POCKET, "--profile", out.toString()).exitCode()).isZero();
    }

    @Test
    void thePromptCanDecide() {
        CommandRun run = calibrate("--membership", "prompt", "--max-kl", "0.5", "--held-out", "4", "--representative",
                "medoid");

        assertThat(run.exitCode()).as(run.err()).isZero();
        ClusterProfile profile = ClusterProfile.read(out);
        assertThat(profile.membership()).isEqualTo(
                new Membership.Prompt(ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.MEDOID));
        assertThat(profile.clusters()).isNotEqualTo(List.of(8, 8, 8, 8, 8, 8));
    }

    @Test
    void theSameCallWritesTheSameBytes() throws IOException {
        assertThat(calibrate("--max-kl", "0.02", "--held-out", "4").exitCode()).isZero();
        String first = Files.readString(out);
        CommandRun again = calibrate("--max-kl", "0.02", "--held-out", "4", "--json", "--threads", "1");

        assertThat(Files.readString(out)).isEqualTo(first);
        JsonNode json = new ObjectMapper().readTree(again.out());
        assertThat(json).isEqualTo(new ObjectMapper().readTree(first));
        assertThat(json.at("/calibration/search/stopped").textValue()).isNotEmpty();
        assertThat(json.at("/calibration/layers")).hasSize(6);
        assertThat(json.at("/calibration/date").isMissingNode()).isTrue();
    }

    @Test
    void answersAreLookedAtOneByOneUnlessThatIsRefused() throws IOException {
        CommandRun guarded = guarded("--max-kl", "0.02", "--held-out", "4");
        JsonNode answers = new ObjectMapper().readTree(out.toFile()).at("/calibration/loss/answers");

        assertThat(guarded.out()).contains("to short first messages, 0 broken")
                .contains("that are calls of tools or JSON, 0 broken").contains("% fewer scores");
        assertThat(answers).hasSize(2).allSatisfy(kind -> assertThat(kind.path("broken").asInt()).isZero());
        CommandRun unguarded = calibrate("--max-kl", "0.02", "--held-out", "4");
        assertThat(unguarded.out()).doesNotContain("broken");
        assertThat(new ObjectMapper().readTree(out.toFile()).at("/calibration/loss/answers").isMissingNode()).isTrue();
    }

    @Test
    void aReportShowsWhatWasFound() throws IOException {
        Path report = directory.resolve("report.html");
        CommandRun run = calibrate("--max-kl", "0.02", "--held-out", "4", "--beyond", "--report", report.toString());

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.err()).contains("report: " + report);
        assertThat(report).content().contains("Clusters of each layer", "Elbow curves", "elbow at",
                "Similarity of heads", "Sensitivity of each layer", "Perplexity against saving",
                "Perplexity beyond the budget", "The steps of the search",
                "a divergence of at most 0.02000 nats per token", "texts.jsonl", "STATIC, AGGLOMERATIVE, FIRST",
                ClusterProfile.read(out).fingerprint().orElseThrow(), "0.8.4");
        assertThat(directory.toFile().list()).containsExactlyInAnyOrder("texts.jsonl", "profile.json", "report.html");
    }

    @Test
    void aReportWithoutASearchHasNoCurveAndOnlineClustersAreThoseOfTheAverage() throws IOException {
        Path report = directory.resolve("report.html");
        assertThat(calibrate("--membership", "online", "--max-residual", "1", "--report", report.toString())
                .exitCode()).isZero();

        assertThat(report).content().contains("Elbow curves", "Each sequence finds its own clusters",
                "ONLINE, window 16, offset 0, AGGLOMERATIVE, FIRST", "none: the elbows")
                .doesNotContain("Sensitivity of each layer").doesNotContain("Quality against saving");
    }

    @Test
    void aFullDiskLeavesTheOldProfileAndSaysSo() throws Exception {
        try (SmallFileSystem small = SmallFileSystem.mount(directory, 8)) {
            out = small.path().resolve("profile.json");
            Files.writeString(out, "old");
            CommandRun run = calibrate("--max-kl", "0.02", "--held-out", "4");

            assertThat(run.exitCode()).isEqualTo(1);
            assertThat(run.err()).contains("chai: profile " + out + " cannot be written: No space left on device")
                    .doesNotContain("\tat ");
            assertThat(out).hasContent("old");
            assertThat(small.path().toFile().list()).containsExactly("profile.json");
        }
    }

    @Test
    void aReportThatCannotBeWrittenDoesNotCostTheProfile() throws Exception {
        try (SmallFileSystem small = SmallFileSystem.mount(directory, 8)) {
            Path report = small.path().resolve("report.html");
            CommandRun run = calibrate("--report", report.toString());

            assertThat(run.exitCode()).isEqualTo(1);
            assertThat(run.err()).contains("chai: report " + report + " cannot be written: No space left on device")
                    .doesNotContain("\tat ");
            assertThat(ClusterProfile.read(out).clusters()).hasSize(6);
            assertThat(small.path()).isEmptyDirectory();
        }
    }

    /** Interrupts whoever writes a line with certain words. */
    private static final class Interrupting extends StringWriter {
        private final String words;

        Interrupting(String words) {
            this.words = words;
        }

        @Override
        public void flush() {
            if (toString().contains(words)) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Test
    void anInterruptedRunLeavesTheOldProfileAndGoesOnWhenCalledAgain() throws IOException {
        assertThat(calibrate("--max-kl", "0.02", "--held-out", "4").exitCode()).isZero();
        String uninterrupted = Files.readString(out);
        Files.writeString(out, "old");
        Path state = directory.resolve("profile.json.state");
        Files.writeString(state, "of no use");

        Interrupting err = new Interrupting("starting anew");
        CommandLine command = ChaiCommand.commandLine().setOut(new PrintWriter(new StringWriter()))
                .setErr(new PrintWriter(err));
        int exitCode = command.execute("calibrate", "--model", POCKET, "--texts", texts.toString(), "--out",
                out.toString(), "--max-kl", "0.02", "--held-out", "4", "--no-answer-guard");

        assertThat(Thread.interrupted()).isFalse();
        assertThat(exitCode).isEqualTo(1);
        assertThat(err.toString()).contains("chai: calibration was interrupted; the same call goes on where it stopped")
                .doesNotContain("\tat ");
        assertThat(out).hasContent("old");
        CommandRun again = calibrate("--max-kl", "0.02", "--held-out", "4");
        assertThat(again.exitCode()).isZero();
        assertThat(again.err()).contains("going on where a stopped run left off");
        assertThat(out).hasContent(uninterrupted);
        assertThat(state).doesNotExist();
    }

    @Test
    void comparesTheWaysToFindClusters() {
        CommandRun run = CommandRun.of("compare", "--model", POCKET, "--texts", texts.toString(), "--profile",
                TestModels.POCKET_PROFILE.toString());

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("clusters per layer: [8, 7, 6, 3, 8, 8]")
                .contains("online, window 5, AGGLOMERATIVE, FIRST").contains("prompt, KMEANS, MEDOID")
                .contains("static, AGGLOMERATIVE, MEDOID").contains("random, draw 3").contains(" after ");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --window 5                                   | --window and --offset belong to --membership online
            --membership prompt --window 5               | --window and --offset belong to --membership online
            --membership online --distance output        | --distance belongs to --membership static
            --distance measured --representative medoid | --algorithm and --representative belong to --distance \
            attention
            --membership online --window 0               | membership window must be at least 1 token, found 0
            --samples 0                                  | at least 1 sample
            --max-tokens 1                               | --max-tokens must be at least 2, found 1
            --beyond                                     | --beyond needs a budget
            --save time                                  | --save needs a budget
            --max-kl 0                                   | a quality bound must be above 0, found 0
            --max-perplexity-increase much               | expected a share like 1% or 0.01, found 'much'
            --max-accuracy-drop 1                        | --tasks and --max-accuracy-drop belong together
            --max-kl 1 --tasks x                         | --tasks and --max-accuracy-drop belong together
            --max-kl 1 --max-perplexity-increase 1%      | mutually exclusive
            --max-residual 2                             | the largest residual must be 0 to 1, found 2
            --threads 0                                  | --threads must be 1 to 1024, found 0
            """)
    void mistakesAreUsageErrors(String options, String message) {
        CommandRun run = calibrate(options.strip().split(" "));

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains(message);
        assertThat(out).doesNotExist();
    }

    @Test
    void textsThatCannotBeUsedSaySo() throws IOException {
        Files.writeString(texts, "");
        assertFails(calibrate(), "is empty");
        Files.writeString(texts, "{\"text\": \"Once there was a fox.\"}\n");
        assertFails(calibrate(), "needs at least 2 texts, found 1");
        Files.writeString(texts, "{\"text\": \"Once there was a fox.\"}\n".repeat(6));
        assertFails(calibrate("--membership", "online", "--window", "100"), "too short");
        Files.delete(texts);
        assertFails(calibrate(), "does not exist");
    }

    private void assertFails(CommandRun run, String message) {
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains(message).doesNotContain("\tat ");
        assertThat(out).doesNotExist();
    }

    @Test
    void aReportNobodyCanWriteIsSaidBeforeTheWork() {
        CommandRun run = calibrate("--report", directory.toString());

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("--report must name a file in a directory that exists, found " + directory);
        assertThat(out).doesNotExist();
    }

    @Test
    void anOutputNobodyCanWriteIsSaidBeforeTheWork() {
        out = directory.resolve("missing").resolve("profile.json");
        CommandRun run = calibrate();

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("--out must name a file in a directory that exists");
    }
}
