// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Operators;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.WeightType;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.model.TensorPart;
import io.github.chaijlama.model.WeightRole;
import io.github.chaijlama.parallel.WorkerPool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

/** Weights that are used as they are stored are the file's own memory: a model starts without reading them. */
class MappedWeightsTests {
    private static final Path SMAPS = Path.of("/proc/self/smaps");

    @TempDir
    Path directory;

    @Test
    void whatIsUsedAsItIsStoredIsTheFilesOwnMemory() {
        ModelConfig config = ModelConfig.read(TestModels.POCKET);
        try (WorkerPool workers = new WorkerPool(1);
                StoredWeights weights = StoredWeights.open(TestModels.POCKET, config, workers)) {
            weights.prepare(new WeightFormats(EnumSet.allOf(WeightFormat.class), EnumSet.allOf(WeightFormat.class)),
                    (_, _) -> {
                        throw new AssertionError("nothing is converted");
                    });
            for (Map.Entry<TensorPart, WeightRole> entry : config.parts().entrySet()) {
                if (entry.getValue() != WeightRole.VECTOR) {
                    Weight weight = weights.weight(entry.getKey());
                    assertThat(weight.format()).isEqualTo(WeightFormat.BF16);
                    assertThat(weight.data().isMapped()).as(weight.name()).isTrue();
                }
            }
        }
    }

    /** The kernel says which pages of the file are in this process: those of the header and of norms. */
    @Test
    void startingDoesNotReadTheFileThrough() throws IOException {
        assumeThat(SMAPS).as("a Linux that says what is resident: test skipped").isReadable();
        Path model = TestModels.random(directory, TestModels.shape(1024, 4096, 8, 4), 256, "BF16");
        Path file = model.resolve("model.safetensors");
        long size = Files.size(file);
        assertThat(size).isGreaterThan(80_000_000);
        try (ChaiModel loaded = load(model, WeightType.STORED)) {
            assertThat(loaded.weightType()).isEqualTo("BF16");
            assertThat(residentBytes(file)).isPositive().isLessThan(size / 10);
        }
        try (ChaiModel loaded = load(model, WeightType.Q4)) {
            assertThat(loaded.weightType()).isEqualTo("Q4");
            assertThat(residentBytes(file)).as("what was converted was read").isGreaterThan(size / 2);
        }
    }

    private static ChaiModel load(Path model, WeightType weights) {
        return ChaiModel.load(model,
                ChaiOptions.exact().with(change -> change.weights(weights).operators(Operators.VECTOR).threads(2)));
    }

    /** Each mapping is a line that ends with its file's name, and lines of what the kernel knows of it. */
    private static long residentBytes(Path file) throws IOException {
        List<String> lines = Files.readAllLines(SMAPS);
        long kilobytes = 0;
        boolean ours = false;
        for (String line : lines) {
            if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
                ours = line.endsWith(file.toRealPath().toString());
            } else if (ours && line.startsWith("Rss:")) {
                kilobytes += Long.parseLong(line.replaceAll("\\D", ""));
            }
        }
        return kilobytes << 10;
    }
}
