// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.TestModels;

import static org.assertj.core.api.Assertions.assertThat;

class GenerateCommandTests {
    private static final String POCKET = TestModels.POCKET.toString();
    private static final String PROFILE = TestModels.POCKET_PROFILE.toString();

    @TempDir
    Path directory;

    @Test
    void generateAnswersAndReports() {
        String question = "Read this: Finn was a lucky owl. Finn lived near the meadow. One cold morning, Finn went to "
                + "the river. There Finn found a green whistle. Then Rose the penguin came to help.\nWhere did Finn "
                + "go?";
        for (String[] attention : new String[][]{ {}, { "--profile", PROFILE }, { "--attention", "stock" } }) {
            List<String> args = new ArrayList<>(List.of("generate", "--model", POCKET, "--chat", question));
            args.addAll(List.of(attention));
            CommandRun run = CommandRun.of(args.toArray(String[]::new));
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
        CommandRun run = CommandRun.of(args);
        assertThat(run.exitCode()).isZero();
        assertThat(run.json().path("finishReason").asText()).isEqualTo("MAX_TOKENS");
        assertThat(run.json().path("generatedTokens").asInt()).isEqualTo(30);
        assertThat(CommandRun.of(args).json().path("text")).isEqualTo(run.json().path("text"));
    }

    @Test
    void guessesChangeStepsAndNotTheText() {
        String[] args = { "generate", "--model", POCKET, "--profile", PROFILE, "--operators", "vector", "--json",
                "--chat",
                "Read this: Finn was a lucky owl. Finn lived near the meadow. One morning, Finn went to the river. "
                        + "There Finn found a green whistle.\nWhere did Finn live?" };
        CommandRun without = CommandRun.of(args);
        List<String> guessed = new ArrayList<>(List.of(args));
        guessed.add("--guess");
        CommandRun run = CommandRun.of(guessed.toArray(String[]::new));
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.json().path("text")).isEqualTo(without.json().path("text"));
        assertThat(run.json().path("rightGuesses").asInt()).isPositive();
        assertThat(run.json().path("steps").asInt()).isLessThan(run.json().path("generatedTokens").asInt());
        guessed.remove("--json");
        assertThat(CommandRun.of(guessed.toArray(String[]::new)).err()).contains("guesses right");
    }

    @Test
    void aMessageMayBeginWithAnAtSign() throws IOException {
        Path file = Files.writeString(directory.resolve("note"), "--nonsense");
        CommandRun run = CommandRun.of("generate", "--model", POCKET, "--prompt", "@" + file, "--max-tokens", "1",
                "--json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.json().path("promptTokens").asInt()).isGreaterThan(10);
    }

    @Test
    void anOverlongPromptIsASentence(@TempDir Path small) throws IOException {
        for (String file : List.of("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")) {
            Files.copy(TestModels.POCKET.resolve(file), small.resolve(file));
        }
        Path config = small.resolve("config.json");
        Files.writeString(config, Files.readString(config).replace("2048", "16"));
        CommandRun run = CommandRun.of("generate", "--model", small.toString(), "--prompt",
                "a story about a fox and a bear ".repeat(9));
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains("the model's context holds 16 tokens, this sequence would have")
                .doesNotContain("\tat ");
    }
}
