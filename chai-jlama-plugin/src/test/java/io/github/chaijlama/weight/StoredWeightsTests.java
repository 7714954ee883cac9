// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.model.TensorNames;
import io.github.chaijlama.model.TensorPart;
import io.github.chaijlama.model.WeightRole;
import io.github.chaijlama.parallel.WorkerPool;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Weights by what they are for: checked, cut out of larger tensors, turned round, converted. */
class StoredWeightsTests {
    private static final WeightFormats AS_STORED = new WeightFormats(EnumSet.allOf(WeightFormat.class),
            EnumSet.allOf(WeightFormat.class));

    @TempDir
    Path directory;

    private Map<TensorPart, WeightRole> roles = new LinkedHashMap<>();

    /** A matrix of 4 x 6, a vector of 6, a stack of 2 x 3 x 4, each value its number. */
    @BeforeEach
    void writeFile() throws IOException {
        write("""
                {"m":{"dtype":"F32","shape":[4,6],"data_offsets":[0,96]},
                "v":{"dtype":"F32","shape":[6],"data_offsets":[96,120]},
                "s":{"dtype":"F32","shape":[2,3,4],"data_offsets":[120,216]},
                "i":{"dtype":"I16","shape":[2],"data_offsets":[216,220]}}""", 54, 55);
    }

    private void write(String header, int floats, int total) throws IOException {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        ByteBuffer file = ByteBuffer.allocate(Long.BYTES + json.length + 4 * total).order(ByteOrder.LITTLE_ENDIAN);
        file.putLong(json.length).put(json);
        for (int i = 0; i < floats; i++) {
            file.putFloat(i < 24 ? i : i < 30 ? i - 24 : i - 30);
        }
        Files.write(directory.resolve("model.safetensors"), file.array());
    }

    private float[] values(TensorPart part, WeightRole role) {
        roles = Map.of(part, role);
        try (StoredWeights weights = StoredWeights.open(directory, roles, TensorNames.PLAIN, new WorkerPool(2))) {
            weights.prepare(AS_STORED, (_, _) -> {});
            Weight weight = weights.weight(part);
            assertThat(weight.rows()).isEqualTo(role == WeightRole.VECTOR ? 1 : part.rows());
            return weight.data().toArray(JAVA_FLOAT_UNALIGNED);
        }
    }

    @Test
    void wholeMatricesAndRowsOfThem() {
        assertThat(values(TensorPart.matrix("m", 4, 6), WeightRole.MATRIX)).hasSize(24).startsWith(0, 1).endsWith(22,
                23);
        assertThat(values(TensorPart.matrix("m", 4, 6).rows(1, 2), WeightRole.MATRIX))
                .containsExactly(6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17);
        assertThat(values(TensorPart.matrix("m", 4, 6).rows(1, 3).rows(1, 1), WeightRole.MATRIX))
                .containsExactly(12, 13, 14, 15, 16, 17);
    }

    @Test
    void matricesStoredTheOtherWayRound() {
        TensorPart part = TensorPart.transposed("m", 6, 4);
        assertThat(values(part, WeightRole.MATRIX)).startsWith(0, 6, 12, 18, 1, 7, 13, 19).endsWith(5, 11, 17, 23);
        assertThat(values(part.rows(2, 2), WeightRole.MATRIX)).containsExactly(2, 8, 14, 20, 3, 9, 15, 21);
    }

    @Test
    void slicesAndEveryOtherRow() {
        TensorPart second = new TensorPart("s", List.of(2L, 3L, 4L), 1, 3, 4, false, 0, 3, 1);
        assertThat(values(second, WeightRole.MATRIX)).containsExactly(12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23);
        TensorPart every = new TensorPart("s", List.of(2L, 3L, 4L), 1, 3, 4, false, 0, 2, 2);
        assertThat(values(every, WeightRole.MATRIX)).containsExactly(12, 13, 14, 15, 20, 21, 22, 23);
        TensorPart turned = new TensorPart("s", List.of(2L, 3L, 4L), 1, 3, 4, true, 1, 2, 2);
        assertThat(values(turned, WeightRole.MATRIX)).containsExactly(13, 17, 21, 15, 19, 23);
    }

    @Test
    void vectorsAndPartsOfThem() {
        assertThat(values(TensorPart.vector("v", 6), WeightRole.VECTOR)).containsExactly(0, 1, 2, 3, 4, 5);
        assertThat(values(TensorPart.vector("v", 6).rows(2, 3), WeightRole.VECTOR)).containsExactly(2, 3, 4);
        TensorPart odd = new TensorPart("v", List.of(6L), 0, 6, 1, false, 1, 3, 2);
        assertThat(values(odd, WeightRole.VECTOR)).containsExactly(1, 3, 5);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            c | 1 | 1 | has no tensor c, expected one of shape [1, 1]
            m | 6 | 4 | tensor m has shape [4, 6], config.json asks for [6, 4]
            """)
    void whatIsNotAsExpectedIsNamed(String name, int rows, int columns, String message) {
        assertThatThrownBy(() -> values(TensorPart.matrix(name, rows, columns), WeightRole.MATRIX))
                .isInstanceOf(ModelLoadException.class).hasMessageContaining(message);
    }

    @Test
    void otherTypesAreRefusedWhenTheyAreNeeded() {
        assertThatThrownBy(() -> values(TensorPart.vector("i", 2), WeightRole.VECTOR))
                .isInstanceOf(ModelLoadException.class).hasMessageContaining(
                        "tensor i is of type I16, supported are F32, BF16, F16, and Jlama's Q4 and I8");
    }

    @Test
    void prefixesAreTakenOff() throws IOException {
        write("{\"transformer.m\":{\"dtype\":\"F32\",\"shape\":[4,6],\"data_offsets\":[0,96]}}", 24, 24);
        TensorPart part = TensorPart.matrix("m", 4, 6);
        try (StoredWeights weights = StoredWeights.open(directory, Map.of(part, WeightRole.MATRIX),
                TensorNames.of(List.of(new TensorNames.Prefix("transformer.", ""))), new WorkerPool(2))) {
            weights.prepare(AS_STORED, (_, _) -> {});
            assertThat(weights.weight(part).rows()).isEqualTo(4);
            assertThat(weights.numberOfParameters()).isEqualTo(24);
            assertThat(weights.bytes()).isEqualTo(96);
        }
    }

    /** A hole in a file takes no space on the disk. */
    @Test
    void tensorsMayBeLargerThanAJavaArray() throws IOException {
        long rows = (1L << 31) / 4 / 1024 + 5;
        String header = "{\"m\":{\"dtype\":\"F32\",\"shape\":[%d,1024],\"data_offsets\":[0,%d]}}".formatted(rows,
                rows * 4096);
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        try (RandomAccessFile file = new RandomAccessFile(directory.resolve("model.safetensors").toFile(), "rw")) {
            file.setLength(0);
            file.write(ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).array());
            file.write(json);
            file.setLength(Long.BYTES + json.length + rows * 4096 - 4);
            file.seek(file.length());
            file.write(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(7).array());
        }
        TensorPart part = TensorPart.matrix("m", (int) rows, 1024);
        try (StoredWeights weights = StoredWeights.open(directory, Map.of(part, WeightRole.MATRIX),
                TensorNames.PLAIN, new WorkerPool(2))) {
            weights.prepare(AS_STORED, (_, _) -> {});
            Weight last = weights.weight(part).rows((int) rows - 1, 1);
            assertThat(last.data().toArray(JAVA_FLOAT_UNALIGNED)).hasSize(1024).endsWith(0, 7);
        }
    }
}
