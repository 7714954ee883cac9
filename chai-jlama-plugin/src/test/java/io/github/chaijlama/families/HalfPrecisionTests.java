// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.families;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;

import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.Operators;
import io.github.chaijlama.TestOperators;
import io.github.chaijlama.TestWeights;

import static org.assertj.core.api.Assertions.assertThat;

/** Files of nothing but F16: norms, biases, sinks, tables, experts in one tensor or in many, of every family. */
class HalfPrecisionTests {
    private static final Predicate<String> FLOATS = name -> !name.endsWith("_blocks") && !name.endsWith("_scales");

    @TempDir
    Path directory;

    static List<String> families() throws IOException {
        return GoldenFamilyTests.families();
    }

    private Path write(String family, String name, TestWeights weights) throws IOException {
        Path model = Files.createDirectory(directory.resolve(name));
        Files.copy(GoldenCases.directory("families").resolve(family).resolve("config.json"),
                model.resolve("config.json"));
        weights.write(model.resolve("model.safetensors"), 0);
        return model;
    }

    private static float[] logits(Path model) {
        try (ChaiModel loaded = ChaiModel.load(model, TestOperators.exact(Operators.VECTOR));
                ChaiSession session = loaded.newSession()) {
            return session.feed(9, 3, 30, 1, 7);
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void isWhatTheSameNumbersAreInF32(String family) throws IOException {
        TestWeights stored = TestWeights
                .read(GoldenCases.directory("families").resolve(family).resolve("model.safetensors"));
        TestWeights halves = stored.with("F16", FLOATS);
        Path inHalves = write(family, "f16", halves);
        assertThat(logits(inHalves)).isEqualTo(logits(write(family, "f32", halves.with("F32", FLOATS))));
        assertThat(logits(inHalves)).isNotEqualTo(logits(write(family, "stored", stored)));
    }
}
