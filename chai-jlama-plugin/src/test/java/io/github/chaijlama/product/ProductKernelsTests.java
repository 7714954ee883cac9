// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.product;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.product.MatrixProducts.Product;
import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightFormat;
import io.github.chaijlama.weight.WeightRows;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

/** Products of every format against double precision, and against themselves: cut, grouped and alone. */
class ProductKernelsTests {
    private static final int[] INPUTS = { 1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 50 };
    private static final int[] ROWS = { 1, 2, 3, 5, 6, 7, 13, 31, 33 };

    private static final WorkerPool WORKERS = new WorkerPool(2);

    private final Random random = new Random(7);

    @AfterAll
    static void endThreads() {
        WORKERS.close();
    }

    @ParameterizedTest
    @EnumSource(WeightFormat.class)
    void equalsDoublePrecisionAtAwkwardSizes(WeightFormat format) {
        for (int columns : columns(format)) {
            for (int rows : ROWS) {
                for (int inputs : INPUTS) {
                    checkAgainstDouble(ProductKernels.ofThisMachine(), format, inputs, columns, rows);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(WeightFormat.class)
    void referenceEqualsDoublePrecision(WeightFormat format) {
        for (int columns : columns(format)) {
            checkAgainstDouble(ProductKernels.scalar(), format, 3, columns, 7);
            checkAgainstDouble(ProductKernels.scalar(), format, 13, columns, 7);
        }
    }

    @ParameterizedTest
    @EnumSource(WeightFormat.class)
    void equalsDoublePrecisionOnLongRows(WeightFormat format) {
        for (int columns : format.isQuantized() ? new int[]{ 5632, 11008 } : new int[]{ 5633, 11008 }) {
            checkAgainstDouble(ProductKernels.ofThisMachine(), format, 1, columns, 5);
            checkAgainstDouble(ProductKernels.ofThisMachine(), format, 17, columns, 9);
        }
    }

    private static int[] columns(WeightFormat format) {
        return format.isQuantized() ? new int[]{ 32, 64, 96, 128, 160, 256, 544 }
                : new int[]{ 1, 7, 8, 17, 32, 33, 63, 64, 65, 100, 128, 520 };
    }

    private void checkAgainstDouble(ProductKernels kernels, WeightFormat format, int inputs, int columns, int rows) {
        try (Arena arena = Arena.ofShared(); KernelProducts products = new KernelProducts(kernels, WORKERS)) {
            Weight weight = weight(arena, format, rows, columns);
            Rows in = rows(arena, inputs, columns);
            Rows out = new Rows(arena.allocate((long) inputs * rows * Float.BYTES, 4), inputs, rows);
            products.multiply(in, List.of(Product.whole(out, weight)));
            float[][] widened = widened(weight);
            for (int i = 0; i < inputs; i++) {
                for (int r = 0; r < rows; r++) {
                    double sum = 0;
                    double size = 0;
                    for (int k = 0; k < columns; k++) {
                        double term = (double) in.memory().getAtIndex(JAVA_FLOAT, in.at(i) + k) * widened[r][k];
                        sum += term;
                        size += Math.abs(term);
                    }
                    double found = out.memory().getAtIndex(JAVA_FLOAT, out.at(i) + r);
                    // An assertion for each of a million results takes longer than the results.
                    if (!(Math.abs(found - sum) <= 4e-7 * size + 1e-30)) {
                        assertThat(found)
                                .as("%s, %d inputs of %d, %d rows: [%d][%d]", format, inputs, columns, rows, i, r)
                                .isCloseTo(sum, within(4e-7 * size + 1e-30));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(WeightFormat.class)
    void resultsDependOnNothingButInputAndRow(WeightFormat format) {
        // Less than a chunk, several with a row that is padded, and several without.
        for (int columns : new int[]{ 544, 1632, 2304 }) {
            checkBits(format, columns);
        }
    }

    private void checkBits(WeightFormat format, int columns) {
        int rows = 101;
        int most = 61;
        try (Arena arena = Arena.ofShared();
                WorkerPool one = new WorkerPool(1);
                WorkerPool three = new WorkerPool(3);
                KernelProducts alone = new KernelProducts(ProductKernels.ofThisMachine(), one);
                KernelProducts shared = new KernelProducts(ProductKernels.ofThisMachine(), three)) {
            Weight weight = weight(arena, format, rows, columns);
            Rows in = rows(arena, most, columns);
            List<Float> expected = new ArrayList<>();
            for (int i = 0; i < most; i++) {
                expected.addAll(product(arena, alone, in.rows(i, 1), weight, 0, rows));
            }
            for (int count : new int[]{ 2, 3, 8, 9, 10, 16, 33, most }) {
                for (KernelProducts products : List.of(alone, shared)) {
                    assertThat(product(arena, products, in.rows(0, count), weight, 0, rows))
                            .isEqualTo(expected.subList(0, count * rows));
                    List<Float> part = product(arena, products, in.rows(most - count, count), weight, 17, 40);
                    for (int i = 0; i < count; i++) {
                        int from = (most - count + i) * rows + 17;
                        assertThat(part.subList(i * 40, i * 40 + 40)).isEqualTo(expected.subList(from, from + 40));
                    }
                }
            }
        }
    }

    private static List<Float> product(Arena arena, KernelProducts products, Rows in, Weight weight, int first,
            int rows) {
        Rows out = new Rows(arena.allocate((long) in.count() * weight.rows() * Float.BYTES, 4), in.count(),
                weight.rows());
        products.multiply(in, List.of(new Product(out, weight, first, rows)));
        List<Float> values = new ArrayList<>();
        for (int i = 0; i < in.count(); i++) {
            for (int row = 0; row < weight.rows(); row++) {
                float value = out.memory().getAtIndex(JAVA_FLOAT, out.at(i) + row);
                if (row >= first && row < first + rows) {
                    values.add(value);
                } else {
                    assertThat(value).as("a column that was not asked for").isZero();
                }
            }
        }
        return values;
    }

    @Test
    void productsOfOneInputMayHaveWeightsOfDifferentFormats() {
        try (Arena arena = Arena.ofShared();
                WorkerPool workers = new WorkerPool(2);
                KernelProducts products = new KernelProducts(ProductKernels.ofThisMachine(), workers)) {
            Rows in = rows(arena, 11, 96);
            List<Weight> weights = new ArrayList<>();
            List<Product> together = new ArrayList<>();
            for (WeightFormat format : WeightFormat.values()) {
                Weight weight = weight(arena, format, 19, 96);
                weights.add(weight);
                together.add(Product.whole(new Rows(arena.allocate(11 * 19 * 4, 4), 11, 19), weight));
            }
            products.multiply(in, together);
            for (int i = 0; i < weights.size(); i++) {
                assertThat(values(together.get(i).result()))
                        .isEqualTo(product(arena, products, in, weights.get(i), 0, 19));
            }
        }
    }

    private static List<Float> values(Rows rows) {
        List<Float> values = new ArrayList<>();
        for (float value : rows.memory().toArray(JAVA_FLOAT)) {
            values.add(value);
        }
        return values;
    }

    @Test
    void halvesWidenExactly() {
        ProductKernels kernels = ProductKernels.ofThisMachine();
        try (Arena arena = Arena.ofConfined()) {
            Weight all = new Weight("all", WeightFormat.F16, 1 << 10, 64, arena.allocate(1 << 17, 2));
            for (int i = 0; i < 1 << 16; i++) {
                all.data().setAtIndex(JAVA_SHORT, i, (short) i);
            }
            checkWidened(kernels, all, arena);
        }
    }

    @ParameterizedTest
    @EnumSource(WeightFormat.class)
    void widenedRowsAreThoseOfTheReader(WeightFormat format) {
        try (Arena arena = Arena.ofConfined()) {
            checkWidened(ProductKernels.ofThisMachine(), weight(arena, format, 7, 96), arena);
        }
    }

    /** Rows of the identity, packed, find every weight of a panel. */
    private static void checkWidened(ProductKernels kernels, Weight weight, Arena arena) {
        float[][] expected = widened(weight);
        int columns = weight.columns();
        MemorySegment scratch = arena.allocate(kernels.scratchLength(weight.format(), columns) * 4, 4);
        MemorySegment panel = arena.allocate(kernels.panelLength(weight.format(), columns) * 4, 4);
        MemorySegment packed = arena.allocate(kernels.packedLength(weight.format(), columns, 1) * 4, 4);
        Rows numbers = new Rows(arena.allocate(columns * 4L, 4), 1, columns);
        for (int k = 0; k < columns; k++) {
            numbers.memory().setAtIndex(JAVA_FLOAT, k, k + 1);
        }
        kernels.pack(weight.format(), numbers, 0, 1, 1, packed, 0);
        int lanes = kernels.lanes();
        for (int row = 0; row < weight.rows(); row++) {
            kernels.widen(weight, row, 1, panel, 0, scratch);
            for (int place = 0; place < packed.byteSize() / 4; place++) {
                int column = (int) packed.getAtIndex(JAVA_FLOAT, place) - 1;
                if (column >= 0) {
                    float found = panel.getAtIndex(JAVA_FLOAT,
                            (long) place / lanes * ProductKernels.PANEL_ROWS * lanes + place % lanes);
                    // One pattern of bits for every NaN.
                    assertThat(Float.floatToIntBits(found)).as("row %d, column %d", row, column)
                            .isEqualTo(Float.floatToIntBits(expected[row][column]));
                }
            }
        }
    }

    @Test
    void checksWhatItIsGivenAtTheDoor() {
        ProductKernels kernels = ProductKernels.ofThisMachine();
        try (Arena arena = Arena.ofConfined()) {
            Weight weight = weight(arena, WeightFormat.F32, 6, 64);
            MemorySegment in = arena.allocate(kernels.packedLength(WeightFormat.F32, 64, 1) * 4, 4);
            MemorySegment out = arena.allocate(6 * 4, 4);
            MemorySegment scratch = arena.allocate(kernels.scratchLength(WeightFormat.F32, 64) * 4, 4);
            assertThatThrownBy(() -> kernels.multiply(weight, 1, 6, in, 0, 1, 1, out, 0, 6, scratch))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> kernels.multiply(weight, 0, 6, in, 1, 1, 1, out, 0, 6, scratch))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> kernels.multiply(weight, 0, 6, in, 0, 1, 1, out, 1, 6, scratch))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> kernels.multiply(weight, 0, 6, in, 0, 1, 1, out, 0, 6, out))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> kernels.multiply(weight, 0, 6, in, 0, 2, 1, out, 0, 6, scratch))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> kernels.multiply(weight, 0, 6, MemorySegment.ofArray(new float[64]), 0, 1, 1, out,
                    0, 6, scratch)).isInstanceOf(IllegalArgumentException.class);
            MemorySegment group = arena.allocate(kernels.packedLength(WeightFormat.F32, 64, ProductKernels.GROUP) * 4,
                    4);
            assertThatThrownBy(
                    () -> kernels.multiply(weight, 0, 6, group, 0, ProductKernels.GROUP, 2, out, 5, -1, scratch))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> kernels.widen(weight, 0, 6, in, 0, scratch))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            Arena closed = Arena.ofConfined();
            MemorySegment gone = closed.allocate(64 * 4, 4);
            closed.close();
            assertThatThrownBy(() -> kernels.multiply(weight, 0, 6, gone, 0, 1, 1, out, 0, 6, scratch))
                    .isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void refusesProductsThatDoNotFit() {
        try (Arena arena = Arena.ofShared();
                WorkerPool workers = new WorkerPool(1);
                KernelProducts products = new KernelProducts(ProductKernels.ofThisMachine(), workers)) {
            Weight weight = weight(arena, WeightFormat.F32, 6, 64);
            Rows in = rows(arena, 2, 64);
            Rows out = new Rows(arena.allocate(2 * 8 * 4, 4), 2, 8);
            for (Product wrong : List.of(new Product(out, weight, 0, 7), new Product(out, weight, -1, 3),
                    new Product(out, weight, 3, 0), new Product(out.rows(0, 1), weight, 0, 6))) {
                assertThatThrownBy(() -> products.multiply(in, List.of(wrong)))
                        .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("weight (6, 64)");
            }
            Rows narrow = rows(arena, 2, 32);
            assertThatThrownBy(() -> products.multiply(narrow, List.of(new Product(out, weight, 0, 6))))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("input (2, 32)");
        }
    }

    private static float[][] widened(Weight weight) {
        WeightRows reader = new WeightRows(weight);
        float[][] rows = new float[weight.rows()][weight.columns()];
        for (int row = 0; row < rows.length; row++) {
            reader.decode(row, MemorySegment.ofArray(rows[row]), 0);
        }
        return rows;
    }

    private Rows rows(Arena arena, int count, int columns) {
        Rows rows = new Rows(arena.allocate((long) count * columns * 4, 4), count, columns);
        for (long i = 0; i < (long) count * columns; i++) {
            rows.memory().setAtIndex(JAVA_FLOAT, i, (float) random.nextGaussian());
        }
        return rows;
    }

    /** Random weights, without whatever is no number. */
    private Weight weight(Arena arena, WeightFormat format, int rows, int columns) {
        long values = (long) rows * columns;
        MemorySegment data = arena.allocate(format.bytes(values), 4);
        for (long i = 0; i < values; i++) {
            float value = (float) random.nextGaussian();
            switch (format) {
                case F32 -> data.setAtIndex(JAVA_FLOAT, i, value);
                case BF16 -> data.setAtIndex(JAVA_SHORT, i, (short) (Float.floatToRawIntBits(value) >> 16));
                case F16 -> data.setAtIndex(JAVA_SHORT, i, Float.floatToFloat16(value));
                case I8 -> data.set(JAVA_BYTE, i, (byte) random.nextInt());
                case Q4 -> data.set(JAVA_BYTE, i / 2, (byte) random.nextInt());
            }
        }
        MemorySegment factors = MemorySegment.NULL;
        if (format.isQuantized()) {
            factors = arena.allocate(values / Weight.BLOCK * Float.BYTES, 4);
            for (long i = 0; i < values / Weight.BLOCK; i++) {
                factors.setAtIndex(JAVA_FLOAT, i, (float) random.nextGaussian() / 8);
            }
        }
        return new Weight(format.name(), format, rows, columns, data, factors);
    }
}
