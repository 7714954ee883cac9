// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.TestWeights;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.model.TensorNames;
import io.github.chaijlama.model.TensorPart;
import io.github.chaijlama.model.WeightRole;
import io.github.chaijlama.parallel.WorkerPool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Which tensors are quantized, and what becomes of them when they are loaded. */
class QuantizationTests {
    private static final WeightFormats Q4 = new WeightFormats(EnumSet.allOf(WeightFormat.class),
            EnumSet.allOf(WeightFormat.class), Optional.of(WeightFormat.Q4));

    @TempDir
    Path directory;

    private final TestWeights weights = new TestWeights();
    private final Map<TensorPart, WeightRole> roles = new LinkedHashMap<>();

    private void add(String name, String type, WeightRole role) {
        int bytes = switch (type) {
            case "F32" -> 4 * 128;
            case "BF16" -> 2 * 128;
            case "I8" -> 128;
            default -> 64;
        };
        weights.put(name, type, new long[]{ 4, 32 }, new byte[bytes]);
        if (bytes <= 128) {
            weights.put(name + ".qb", "F32", new long[]{ 4, 1 }, new byte[16]);
        }
        roles.put(TensorPart.matrix(name, 4, 32), role);
    }

    private Quantization quantization(WeightFormat format) {
        weights.write(directory.resolve("model.safetensors"), 0);
        try (StoredTensors stored = StoredTensors.open(directory, roles.keySet(), TensorNames.PLAIN)) {
            return Quantization.of(stored, roles, format);
        }
    }

    @Test
    void matricesAreQuantizedAndNothingElse() {
        add("matrix", "BF16", WeightRole.MATRIX);
        add("router", "BF16", WeightRole.ROUTER);
        add("table", "BF16", WeightRole.TABLE);
        add("tied", "BF16", WeightRole.TIED_TABLE);
        add("turned", "F32", WeightRole.MATRIX);
        roles.remove(TensorPart.matrix("turned", 4, 32));
        roles.put(TensorPart.transposed("turned", 32, 4), WeightRole.MATRIX);
        weights.put("vector", "BF16", new long[]{ 32 }, new byte[64]);
        roles.put(TensorPart.vector("vector", 32), WeightRole.VECTOR);
        assertThat(quantization(WeightFormat.Q4).tensors()).containsExactly("matrix");
        assertThat(quantization(WeightFormat.I8)).isEqualTo(
                new Quantization(WeightFormat.I8, Set.of("matrix")));
        try (StoredWeights loaded = StoredWeights.open(directory, roles, TensorNames.PLAIN, new WorkerPool(1))) {
            loaded.prepare(Q4, (_, _) -> {});
            assertThat(loaded.weight(TensorPart.matrix("matrix", 4, 32)).format()).isEqualTo(WeightFormat.Q4);
            for (String name : new String[]{ "router", "table", "tied" }) {
                assertThat(loaded.weight(TensorPart.matrix(name, 4, 32)).format()).isEqualTo(WeightFormat.BF16);
            }
            assertThat(loaded.weight(TensorPart.transposed("turned", 32, 4)).format()).isEqualTo(WeightFormat.F32);
            assertThat(loaded.weight(TensorPart.vector("vector", 32)).format()).isEqualTo(WeightFormat.F32);
        }
    }

    /** Rows of one tensor that are used in two ways: both would have to be quantized. */
    @Test
    void aTensorIsQuantizedWholeOrNotAtAll() {
        add("matrix", "F32", WeightRole.MATRIX);
        add("fused", "F32", WeightRole.MATRIX);
        TensorPart fused = TensorPart.matrix("fused", 4, 32);
        roles.remove(fused);
        roles.put(fused.rows(0, 2), WeightRole.MATRIX);
        roles.put(fused.rows(2, 2), WeightRole.MATRIX);
        assertThat(quantization(WeightFormat.Q4).tensors()).containsExactlyInAnyOrder("matrix", "fused");
        roles.put(fused.rows(2, 2), WeightRole.ROUTER);
        assertThat(quantization(WeightFormat.Q4).tensors()).containsExactly("matrix");
        try (StoredWeights loaded = StoredWeights.open(directory, roles, TensorNames.PLAIN, new WorkerPool(1))) {
            loaded.prepare(Q4, (_, _) -> {});
            assertThat(loaded.weight(fused.rows(0, 2)).format()).isEqualTo(WeightFormat.F32);
        }
    }

    @Test
    void bitsThatAreLostDoNotComeBack() {
        add("matrix", "BF16", WeightRole.MATRIX);
        add("four", "Q4", WeightRole.MATRIX);
        assertThat(quantization(WeightFormat.Q4).covers("four")).isTrue();
        assertThatThrownBy(() -> quantization(WeightFormat.I8)).isInstanceOf(ModelLoadException.class)
                .hasMessage(directory + ": tensor four is of type Q4, which has fewer bits than I8: what it has lost "
                        + "does not come back; use it as it is stored");
    }

    @Test
    void operatorsMustMultiplyWithTheFormat() {
        add("matrix", "BF16", WeightRole.MATRIX);
        weights.write(directory.resolve("model.safetensors"), 0);
        WeightFormats formats = new WeightFormats(EnumSet.of(WeightFormat.F32, WeightFormat.Q4),
                EnumSet.of(WeightFormat.F32), Optional.of(WeightFormat.I8));
        try (StoredWeights loaded = StoredWeights.open(directory, roles, TensorNames.PLAIN, new WorkerPool(1))) {
            assertThatThrownBy(() -> loaded.prepare(formats, (_, _) -> {})).isInstanceOf(ModelLoadException.class)
                    .hasMessage("the operators on this machine cannot multiply with weights of type I8");
        }
    }

    @Test
    void somethingMustBeThereToQuantize() {
        add("table", "BF16", WeightRole.TABLE);
        assertThatThrownBy(() -> quantization(WeightFormat.I8)).isInstanceOf(ModelLoadException.class)
                .hasMessage(directory + " has no matrices that can be quantized to I8");
    }
}
