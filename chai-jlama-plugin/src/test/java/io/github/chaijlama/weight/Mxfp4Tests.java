// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.TestWeights;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.model.TensorNames;
import io.github.chaijlama.model.TensorPart;
import io.github.chaijlama.model.WeightRole;
import io.github.chaijlama.parallel.WorkerPool;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** 4-bit floats with a power of two for each block, against what their bits mean. */
class Mxfp4Tests {
    private static final int MATRICES = 2;
    private static final int ROWS = 6;
    private static final int COLUMNS = 64;
    private static final TensorPart SECOND = TensorPart.matrixOf("experts", 1, MATRICES, ROWS, COLUMNS, false);
    private static final WeightFormats AS_STORED = new WeightFormats(EnumSet.allOf(WeightFormat.class),
            EnumSet.allOf(WeightFormat.class));

    @TempDir
    Path directory;
    private final byte[] blocks = new byte[MATRICES * ROWS * COLUMNS / 2];
    private final byte[] scales = new byte[MATRICES * ROWS * COLUMNS / 32];

    @BeforeEach
    void fill() {
        Random random = new Random(4);
        random.nextBytes(blocks);
        for (int i = 0; i < scales.length; i++) {
            scales[i] = (byte) (100 + random.nextInt(60));
        }
        scales[ROWS * 2] = 0;
        scales[ROWS * 2 + 1] = (byte) 250;
    }

    private StoredWeights open(TensorPart part) {
        TestWeights weights = TestWeights.read(Path.of("src/test/resources/golden/gqa/model.safetensors"));
        weights.tensors().clear();
        weights.put("experts_blocks", "U8", new long[]{ MATRICES, ROWS, COLUMNS / 32, 16 }, blocks);
        weights.put("experts_scales", "U8", new long[]{ MATRICES, ROWS, COLUMNS / 32 }, scales);
        weights.write(directory.resolve("model.safetensors"), 0);
        return StoredWeights.open(directory, Map.of(part, WeightRole.MATRIX), TensorNames.PLAIN, new WorkerPool(2));
    }

    /** Sign, two bits of exponent, one of mantissa; without exponent the mantissa is a half. */
    private double expected(int row, int column) {
        int block = (ROWS + row) * COLUMNS / 32 + column / 32;
        int pair = blocks[block * 16 + column % 32 / 2] & 255;
        int bits = column % 2 == 0 ? pair % 16 : pair / 16;
        int exponent = bits / 2 % 4;
        double size = exponent == 0 ? bits % 2 * 0.5 : Math.pow(2, exponent - 1) * (1 + bits % 2 * 0.5);
        return (bits < 8 ? size : -size) * Math.pow(2, (scales[block] & 255) - 127);
    }

    private static float[] row(Weight weight, int row) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment values = arena.allocate((long) weight.columns() * Float.BYTES, Float.BYTES);
            new WeightRows(weight).decode(row, values, 0);
            return values.toArray(JAVA_FLOAT);
        }
    }

    @Test
    void becomesEightBitsWithoutLosingAnything() {
        try (StoredWeights weights = open(SECOND)) {
            weights.prepare(AS_STORED, (_, _) -> {});
            Weight weight = weights.weight(SECOND);
            assertThat(weight.format()).isEqualTo(WeightFormat.I8);
            assertThat(weights.numberOfParameters()).isEqualTo(MATRICES * ROWS * COLUMNS);
            for (int row = 0; row < ROWS; row++) {
                float[] values = row(weight, row);
                for (int column = 0; column < COLUMNS; column++) {
                    assertThat((double) values[column]).isEqualTo(expected(row, column));
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = { 0, 1 })
    void everySecondRowToo(int first) {
        TensorPart part = SECOND.everySecondRow(first);
        try (StoredWeights weights = open(part)) {
            weights.prepare(AS_STORED, (_, _) -> {});
            for (int row = 0; row < ROWS / 2; row++) {
                float[] values = row(weights.weight(part), row);
                for (int column = 0; column < COLUMNS; column++) {
                    assertThat((double) values[column]).isEqualTo(expected(2 * row + first, column));
                }
            }
        }
    }

    @Test
    void whoCannotMultiplyEightBitsGetsFloats() {
        try (StoredWeights weights = open(SECOND)) {
            weights.prepare(new WeightFormats(EnumSet.of(WeightFormat.F32), EnumSet.of(WeightFormat.F32)),
                    (_, _) -> {});
            assertThat(weights.weight(SECOND).format()).isEqualTo(WeightFormat.F32);
            assertThat((double) row(weights.weight(SECOND), 3)[40]).isEqualTo(expected(3, 40));
        }
    }

    @Test
    void fewerBitsOnlyWhereTheyAreAskedFor() {
        scales[ROWS * 2 + 1] = 120;
        try (StoredWeights weights = open(SECOND)) {
            weights.prepare(new WeightFormats(EnumSet.allOf(WeightFormat.class), EnumSet.allOf(WeightFormat.class),
                    Optional.of(WeightFormat.Q4)), (_, _) -> {});
            assertThat(weights.weight(SECOND).format()).isEqualTo(WeightFormat.Q4);
        }
    }

    /** gpt-oss's rows lie between each other; rows that are unpacked one by one are quantized wherever they lie. */
    @Test
    void rowsBetweenOthersAreQuantizedTooAndProgressIsToldOfThem() {
        scales[ROWS * 2 + 1] = 120;
        TensorPart part = SECOND.everySecondRow(1);
        for (WeightFormat format : EnumSet.of(WeightFormat.Q4, WeightFormat.I8)) {
            try (StoredWeights weights = open(part)) {
                long[] last = new long[2];
                weights.prepare(new WeightFormats(EnumSet.allOf(WeightFormat.class),
                        EnumSet.allOf(WeightFormat.class), Optional.of(format)), (done, total) -> {
                            last[0] = done;
                            last[1] = total;
                        });
                assertThat(last).containsExactly(ROWS / 2 * COLUMNS, ROWS / 2 * COLUMNS);
                Weight weight = weights.weight(part);
                assertThat(weight.format()).isEqualTo(format);
                assertThat(weights.bytes()).isEqualTo(weight.bytes());
                if (format == WeightFormat.I8) {
                    assertThat((double) row(weight, 2)[9]).isEqualTo(expected(5, 9));
                }
            }
        }
    }

    @Test
    void whatIsWrongIsNamed() {
        assertThatThrownBy(() -> open(TensorPart.matrixOf("experts", 0, MATRICES, ROWS + 2, COLUMNS, false)))
                .isInstanceOf(ModelLoadException.class)
                .hasMessage(directory + ": tensor experts_blocks must be of type U8 and shape [2, 8, 2, 16], "
                        + "found U8 [2, 6, 2, 16]");
        scales[scales.length - 1] = (byte) 255;
        try (StoredWeights weights = open(SECOND)) {
            assertThatThrownBy(() -> weights.prepare(AS_STORED, (_, _) -> {})).isInstanceOf(ModelLoadException.class)
                    .hasMessage(directory + ": tensor experts_scales holds scales that are not numbers");
        }
    }
}
