// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.TestModels;

import static org.assertj.core.api.Assertions.assertThat;

class QuantizeCommandTests {
    private static final String POCKET = TestModels.POCKET.toString();
    private static final String MESSAGE = "Tell me a story about a fox named Ruby.";

    @TempDir
    Path directory;

    @Test
    void writesWhatOtherCommandsLoad() {
        Path out = directory.resolve("pocket-q4");
        CommandRun run = CommandRun.of("quantize", "--model", POCKET, "--out", out.toString(), "--weights", "q4");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).isEqualToNormalizingNewlines(out + ": Q4, 3.2 MiB instead of 9.1, 1 file\n");
        assertThat(run.err()).startsWith("weights: done after ");
        assertThat(CommandRun.of("info", "--model", out.toString(), "--json").json().at("/model/weightType").asText())
                .isEqualTo("Q4");
        String[] generate = { "generate", "--chat", MESSAGE, "--max-tokens", "30", "--operators", "vector" };
        CommandRun written = CommandRun.of(with(generate, "--model", out.toString()));
        CommandRun loaded = CommandRun.of(with(generate, "--model", POCKET, "--weights", "q4"));
        assertThat(written.exitCode()).as(written.err()).isZero();
        assertThat(written.out()).isNotBlank().isEqualTo(loaded.out());
        assertThat(loaded.err()).contains("weights: done after ");
        assertThat(written.err()).as("nothing is converted").doesNotContain("weights:");
    }

    private static String[] with(String[] args, String... more) {
        String[] all = new String[args.length + more.length];
        System.arraycopy(args, 0, all, 0, args.length);
        System.arraycopy(more, 0, all, args.length, more.length);
        return all;
    }

    @Test
    void shardsAndMachinesAreServed() {
        Path out = directory.resolve("pocket-q8");
        CommandRun run = CommandRun.of("quantize", "--model", POCKET, "--out", out.toString(), "--weights", "q8",
                "--max-shard", "2M", "--threads", "1", "--json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.json().path("weightType").asText()).isEqualTo("I8");
        assertThat(run.json().path("files")).hasSizeGreaterThan(2);
        assertThat(run.json().path("bytes").asLong()).isLessThan(run.json().path("storedBytes").asLong());
        assertThat(out.resolve("model.safetensors.index.json")).exists();
        assertThat(CommandRun.of("info", "--model", out.toString(), "--json").json().at("/model/weightType").asText())
                .isEqualTo("I8");
    }

    @Test
    void mistakesAreSentences() {
        assertFails(1, POCKET + " is in the model's directory", "--out", POCKET, "--weights", "q4");
        assertFails(1, "nowhere", "--out", directory.resolve("no/where").toString(), "--weights", "q4", "--model",
                "nowhere");
        assertFails(1, " must be in a directory that exists", "--out", directory.resolve("no/where").toString(),
                "--weights", "q4");
        String out = directory.resolve("out").toString();
        assertFails(2, "--weights must be q4 or q8", "--out", out, "--weights", "stored");
        assertFails(2, "expected one of [STORED, Q4, Q8]", "--out", out, "--weights", "q5");
        assertFails(2, "--threads must be 1 to 1024, found 0", "--out", out, "--weights", "q4", "--threads", "0");
        assertFails(2, "expected a size", "--out", out, "--weights", "q4", "--max-shard", "much");
        assertFails(2, "--out", "--weights", "q4");
        assertThat(directory).isEmptyDirectory();
    }

    private static void assertFails(int exitCode, String message, String... args) {
        boolean named = String.join(" ", args).contains("--model");
        CommandRun run = CommandRun.of(named ? with(new String[]{ "quantize" }, args)
                : with(new String[]{ "quantize", "--model", POCKET }, args));
        assertThat(run.exitCode()).as(run.err()).isEqualTo(exitCode);
        assertThat(run.err()).contains(message).doesNotContain("\tat ");
        assertThat(run.out()).isEmpty();
    }
}
