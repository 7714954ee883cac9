// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.product;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.kernel.KernelProvider;
import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.product.MatrixProducts.Product;
import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightFormat;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** Products of every format against double precision, and against themselves: cut, grouped and alone. */
class ProductKernelsTests extends ProductChecks {
    private static final double ERROR = 4e-7;
    /** Numbers of four bits are multiplied as values of 1 to 2, of which 1.5 times the inputs is taken off again. */
    private static final double Q4_ERROR = 8e-7;

    private static final WorkerPool WORKERS = new WorkerPool(2);

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

    private void checkAgainstDouble(ProductKernels kernels, WeightFormat format, int inputs, int columns, int rows) {
        try (KernelProducts products = new KernelProducts(kernels, WORKERS)) {
            checkAgainstDouble(products, format, inputs, columns, rows, format == WeightFormat.Q4 ? Q4_ERROR : ERROR);
            MatrixProducts prompts = products.forPrompts(EnumSet.of(format));
            if (!prompts.equals(products)) {
                checkAgainstDouble(prompts, format, inputs, columns, rows, ERROR);
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
            checkBits(arena, alone, shared, in, weight);
            Set<WeightFormat> formats = EnumSet.of(format);
            checkBits(arena, alone.forPrompts(formats), shared.forPrompts(formats), in, weight);
        }
    }

    private static void checkBits(Arena arena, MatrixProducts alone, MatrixProducts shared, Rows in, Weight weight) {
        int rows = weight.rows();
        int most = in.count();
        List<Float> expected = new ArrayList<>();
        for (int i = 0; i < most; i++) {
            expected.addAll(product(arena, alone, in.rows(i, 1), weight, 0, rows));
        }
        for (int count : new int[]{ 2, 3, 5, 6, 8, 9, 10, 16, 33, most }) {
            for (MatrixProducts products : List.of(alone, shared)) {
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

    /** Other rows than those of prompts are multiplied without panels, which add up otherwise. */
    @Test
    void onlyFourBitsHaveAnOrderOfTheirOwnForPrompts() {
        assumeTrue(KernelProvider.usesVectors());
        try (Arena arena = Arena.ofShared();
                KernelProducts products = new KernelProducts(ProductKernels.ofThisMachine(), WORKERS)) {
            Rows in = rows(arena, 3, 544);
            for (WeightFormat format : WeightFormat.values()) {
                MatrixProducts prompts = products.forPrompts(EnumSet.of(format));
                assertThat(prompts.forPrompts(EnumSet.of(format))).isSameAs(prompts);
                if (format == WeightFormat.Q4) {
                    Weight weight = weight(arena, format, 40, 544);
                    assertThat(product(arena, prompts, in, weight, 0, 40))
                            .isNotEqualTo(product(arena, products, in, weight, 0, 40));
                    assertThat(products.forPrompts(EnumSet.allOf(WeightFormat.class))).isSameAs(prompts);
                } else {
                    assertThat(prompts).isSameAs(products);
                }
            }
        }
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

    /** Every 8-bit float but what is no number, with factors as small and as large as they may be. */
    @ParameterizedTest
    @ValueSource(floats = { 1, 3e-39f, 0x1p-149f, 0.3f, 127.9f })
    void floatsOfEightBitsWidenExactly(float factor) {
        ProductKernels kernels = ProductKernels.ofThisMachine();
        try (Arena arena = Arena.ofConfined()) {
            Weight all = new Weight("all", WeightFormat.F8, 4, 64, arena.allocate(1 << 8, 2), arena.allocate(32, 4));
            for (int i = 0; i < 1 << 8; i++) {
                all.data().set(JAVA_BYTE, i, (byte) ((i & 127) == 127 ? 0 : i));
            }
            for (int i = 0; i < 8; i++) {
                all.factors().setAtIndex(JAVA_FLOAT, i, factor);
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
            assertThatThrownBy(() -> kernels.multiply(weight, 0, 6, in, 0, 3, 1, out, 0, 6, scratch))
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
}
