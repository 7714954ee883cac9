// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.TestModels;

import static org.assertj.core.api.Assertions.assertThat;

/** What all commands have in common, in this JVM; {@link ChaiJarIT} runs the jar. */
class ChaiCommandTests {
    private static final String POCKET = TestModels.POCKET.toString();
    private static final String PROFILE = TestModels.POCKET_PROFILE.toString();

    @ParameterizedTest
    @ValueSource(
            strings = { "", "download", "info", "generate", "logits", "evaluate", "calibrate", "compare", "quantize",
                    "bench" })
    void everyCommandHasHelp(String command) {
        CommandRun run = command.isEmpty() ? CommandRun.of("--help") : CommandRun.of(command, "--help");
        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).contains("Usage: chai " + command);
    }

    @ParameterizedTest
    @ValueSource(strings = { "info", "generate", "logits", "evaluate", "calibrate", "compare", "bench" })
    void everyCommandThatLoadsAModelTakesOperators(String command) {
        assertThat(CommandRun.of(command, "--help").out()).contains("--operators=NAME");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            ''                                                                  | a command is missing
            nonsense                                                            | nonsense
            download                                                            | OWNER/NAME
            download gpt2                        | expected owner/name of a model, like Qwen/Qwen2.5-0.5B-Instruct
            download ../x                                                       | expected owner/name of a model
            download a/b --revision ../x         | expected the name of a branch or a tag, or a commit, found '../x'
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
            bench --shape llama-2-7b --weights Q5 --clusters 8x4                | expected one of [F32, BF16, Q4, Q8]
            bench --shape llama-2-7b --weights Q8 --clusters 8x4                | --weights q8 needs
            logits --model GOLDEN --tokens 1 --weights q8 --operators jlama     | --weights q8 needs
            logits --model GOLDEN --tokens 1 --weights q8 --attention stock     | --weights q8 needs
            info --model GOLDEN --weights q8 --operators jlama                  | --weights q8 needs
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
            generate --model POCKET --prompt a --guess --attention stock        | --guess needs exact or clustered
            bench --model POCKET --slice 16                        | --slice must be at least 1 and needs --clients
            bench --model POCKET --clients 2 --arms exact --slice 0 | --slice must be at least 1 and needs --clients
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
        CommandRun run = CommandRun.of(args);
        assertThat(run.exitCode()).as(run.err()).isEqualTo(exitCode);
        assertThat(run.err()).contains(message).doesNotContain("\tat ").doesNotContain("Exception");
        assertThat(run.out()).isEmpty();
    }
}
