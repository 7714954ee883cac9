// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.GoldenCases.GoldenCase;
import io.github.chaijlama.TestModels;

import static org.assertj.core.api.Assertions.assertThat;

class LogitsCommandTests {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    @TempDir
    Path directory;

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
        CommandRun run = CommandRun.of(args.toArray(String[]::new));

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
        CommandRun run = CommandRun.of("logits", "--model", GoldenCases.directory("mha").toString(), "--tokens",
                "0,5,9", "--attention",
                "stock", "--json");
        assertThat(run.exitCode()).isZero();
        assertThat(run.json().path("kvCacheBytes").isNull()).isTrue();
        assertThat(run.json().path("kvCacheAllocatedBytes").isNull()).isTrue();
        assertThat(run.json().path("layers").get(0).path("member")).hasSize(8);
        assertThat(run.json().path("logits")).hasSize(256);
    }

    @Test
    void logitsForPeopleShowTheMostLikely() {
        CommandRun run = CommandRun.of("logits", "--model", GoldenCases.directory("mha").toString(), "--tokens",
                "0,5,9");
        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).contains("most likely next tokens:").contains("layer 2: 8 clusters")
                .contains("bytes used");
    }
}
