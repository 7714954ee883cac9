// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.blas.TestBlas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

class InfoCommandTests {
    private static final String POCKET = TestModels.POCKET.toString();
    private static final String PROFILE = TestModels.POCKET_PROFILE.toString();

    @TempDir
    Path directory;

    @Test
    void infoDescribesModelMachineAndSaving() {
        CommandRun run = CommandRun.of("info", "--model", POCKET, "--profile", PROFILE, "--json");
        assertThat(run.exitCode()).isZero();
        assertThat(run.json().at("/model/type").asText()).isEqualTo("llama");
        assertThat(run.json().at("/model/parameters").asLong()).isEqualTo(4_787_456);
        assertThat(run.json().at("/kvCache/exactBytesPerToken").asLong()).isEqualTo(96 * 32 * 4);
        assertThat(run.json().at("/kvCache/clusteredBytesPerToken").asLong()).isEqualTo(88 * 32 * 4);
        assertThat(run.json().at("/kvCache/saving").asDouble()).isCloseTo(8.0 / 96, within(1e-12));
        assertThat(run.json().at("/kvCache/exactBytesOf1000Tokens").asLong()).isEqualTo(1000 * 96 * 32 * 4);
        assertThat(run.json().at("/kvCache/clusteredBytesOf1000Tokens").asLong()).isEqualTo(1000 * 88 * 32 * 4);
        assertThat(run.json().path("runs").booleanValue()).isTrue();
        assertThat(run.json().at("/model/layersWithWindow").asInt()).isZero();
        assertThat(run.json().at("/model/window").isMissingNode()).isTrue();
        assertThat(run.json().at("/profile/clusters")).hasSize(6);
        assertThat(CommandRun.of("info", "--model", POCKET, "--profile", PROFILE).out()).contains("[8,7,6,3,8,8]")
                .containsPattern("membership +STATIC\\R").containsPattern("saving +8.3 %")
                .containsPattern("endTokens +\\[1]");
        assertThat(CommandRun.of("info", "--model", POCKET).out()).contains("weightType").contains("BF16")
                .contains("operators").contains("kernels");
    }

    @Test
    void infoNamesTheLibraryOfBlas() {
        CommandRun run = CommandRun.of("info", "--model", POCKET, "--operators", "blas", "--json");
        if (TestBlas.exists()) {
            assertThat(run.json().at("/machine/operators").asText()).contains("; prompts: ")
                    .endsWith(TestBlas.require().description());
        } else {
            assertThat(run.exitCode()).isEqualTo(1);
            assertThat(run.err()).startsWith("chai: there is no BLAS library: looked for ");
        }
    }

    @Test
    void infoTellsWhatQuantizedWeightsTake() {
        JsonNode stored = CommandRun.of("info", "--model", POCKET, "--weights", "stored", "--json").json()
                .path("model");
        JsonNode q4 = CommandRun.of("info", "--model", POCKET, "--weights", "Q4", "--json").json().path("model");
        assertThat(stored.path("weightType").asText()).isEqualTo("BF16");
        assertThat(q4.path("weightType").asText()).isEqualTo("Q4");
        assertThat(q4.path("parameters")).isEqualTo(stored.path("parameters"));
        // 20 bytes instead of 64 for every 32 values, but for embedding and norms.
        assertThat(q4.path("weightBytes").asLong()).isLessThan(stored.path("weightBytes").asLong() / 2);
    }

    /** Half of the layers see 16 positions, and keep 32 of 1,000. */
    @Test
    void infoTellsWhatWindowsSave() {
        CommandRun run = CommandRun.of("info", "--model",
                GoldenCases.directory("families").resolve("gemma3_text").toString(), "--json");
        JsonNode model = run.json().path("model");
        assertThat(model.path("layersWithWindow").asInt()).isEqualTo(4);
        assertThat(model.path("window").asInt()).isEqualTo(16);
        long row = run.json().at("/kvCache/exactBytesPerToken").asLong() / 6;
        assertThat(run.json().at("/kvCache/exactBytesOf1000Tokens").asLong()).isEqualTo(row * (2 * 1000 + 4 * 32));
    }

    /** Four layers have 2 heads of 16 values and see 16 positions, two have one of 32 and see all. */
    @Test
    void infoTellsWhatLayersHaveThatAreNotAlike() {
        CommandRun run = CommandRun.of("info", "--model",
                GoldenCases.directory("families").resolve("gemma4").toString(), "--json");
        assertThat(run.json().at("/model/headSize")).map(JsonNode::asInt).containsExactly(16, 16, 32, 16, 16, 32);
        assertThat(run.json().at("/model/kvHeads")).map(JsonNode::asInt).containsExactly(2, 2, 1, 2, 2, 1);
        assertThat(run.json().at("/kvCache/exactBytesPerToken").asLong()).isEqualTo((4 * 4 * 16 + 2 * 2 * 32) * 4);
        assertThat(run.json().at("/kvCache/exactBytesPerTokenI8").asLong()).isEqualTo(4 * 4 * 20 + 2 * 2 * 36);
        assertThat(run.json().at("/kvCache/exactBytesOf1000Tokens").asLong())
                .isEqualTo((4 * 4 * 16 * 32 + 2 * 2 * 32 * 1000) * 4);
        assertThat(run.json().at("/kvCache/groupedQueries").asText()).startsWith("2 or 4 heads share a key head");
    }

    @Test
    void infoTellsWhatAConversationMayBe() {
        JsonNode text = CommandRun.of("info", "--model", POCKET, "--json").json().path("text");
        assertThat(text.path("json").booleanValue()).isTrue();
        JsonNode fewTokens = CommandRun.of("info", "--model", GoldenCases.directory("gqa").toString(), "--json").json()
                .path("text");
        assertThat(fewTokens.path("json").booleanValue()).isFalse();
        assertThat(fewTokens.path("systemMessages").booleanValue()).isFalse();
        assertThat(text.path("tools").isBoolean()).isTrue();
        assertThat(text.path("thinking").booleanValue()).isFalse();
        assertThat(text.path("systemMessages").isBoolean()).isTrue();
    }

    @Test
    void infoTellsWhatFilesAskForAndIsNotDone() {
        CommandRun run = CommandRun.of("info", "--model",
                GoldenCases.directory("formats").resolve("fp8_channel").toString(), "--json");
        assertThat(run.json().at("/model/remarks")).hasSize(2);
        assertThat(run.json().at("/model/remarks/0").asText()).startsWith("'quantization_config' asks for 8-bit");
    }

    @Test
    void infoSaysWhatClustersAreWorthWithGroupedQueriesAndWhatSavesMemory() {
        CommandRun run = CommandRun.of("info", "--model", GoldenCases.directory("gqa").toString(), "--json");

        assertThat(run.json().at("/kvCache/groupedQueries").asText()).contains("4 heads share a key head", "time",
                "8-bit keys and values");
        // 3 layers, 2 key and 2 value heads of 16 numbers: 4 bytes each, or one and a scale of 4 bytes a row.
        assertThat(run.json().at("/kvCache/exactBytesPerToken").asLong()).isEqualTo(3 * 4 * 16 * 4);
        assertThat(run.json().at("/kvCache/exactBytesPerTokenI8").asLong()).isEqualTo(3 * 4 * (16 + 4));
        assertThat(CommandRun.of("info", "--model", POCKET).out()).doesNotContain("groupedQueries");
    }

    @Test
    void infoNeedsNoTokenizer() throws IOException {
        for (String file : List.of("config.json", "model.safetensors")) {
            Files.copy(GoldenCases.directory("mha").resolve(file), directory.resolve(file));
        }
        CommandRun run = CommandRun.of("info", "--model", directory.toString(), "--json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.json().at("/text/tokenizer").isNull()).isTrue();
        assertThat(CommandRun.of("info", "--model", POCKET, "--json").json().at("/text/chatTemplate").booleanValue())
                .isTrue();
    }
}
