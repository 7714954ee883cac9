// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.product;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import io.github.chaijlama.blas.TestBlas;
import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.product.MatrixProducts.Product;
import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightFormat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Products by BLAS of every format against double precision, and against themselves: cut, in company and alone. */
class BlasProductKernelsTests extends ProductChecks {
    /** A library may add up hundreds of products one after the other. */
    private static final double ERROR = 2e-6;

    private static final WorkerPool WORKERS = new WorkerPool(2);

    @AfterAll
    static void endThreads() {
        WORKERS.close();
    }

    private static BlasProducts products(ProductKernels kernels, WorkerPool workers) {
        return new BlasProducts(TestBlas.require(), kernels, workers);
    }

    private static BlasProducts products(WorkerPool workers) {
        return products(ProductKernels.ofThisMachine(), workers);
    }

    @ParameterizedTest
    @EnumSource(WeightFormat.class)
    void equalsDoublePrecisionAtAwkwardSizes(WeightFormat format) {
        try (BlasProducts products = products(WORKERS)) {
            for (int columns : columns(format)) {
                for (int rows : ROWS) {
                    for (int inputs : new int[]{ 1, 3, 16, 17 }) {
                        checkAgainstDouble(products, format, inputs, columns, rows, ERROR);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(WeightFormat.class)
    void equalsDoublePrecisionAroundWholeBlocks(WeightFormat format) {
        try (BlasProducts products = products(WORKERS)) {
            for (int inputs : new int[]{ 7, 8, 9, 63, 64, 65, 129 }) {
                for (int rows : new int[]{ 127, 128, 129, 257 }) {
                    checkAgainstDouble(products, format, inputs, 96, rows, ERROR);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(WeightFormat.class)
    void equalsDoublePrecisionOnLongRows(WeightFormat format) {
        try (BlasProducts products = products(WORKERS)) {
            for (int columns : format.isQuantized() ? new int[]{ 5632, 11008 } : new int[]{ 5633, 11008 }) {
                checkAgainstDouble(products, format, 17, columns, 9, ERROR);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(WeightFormat.class)
    void equalsDoublePrecisionWithoutVectors(WeightFormat format) {
        try (BlasProducts products = products(ProductKernels.scalar(), WORKERS)) {
            for (int columns : columns(format)) {
                checkAgainstDouble(products, format, 3, columns, 13, ERROR);
            }
        }
    }

    /** Each of 1 to 40 rows alone, among its neighbours, behind others, and on other numbers of threads. */
    @ParameterizedTest
    @EnumSource(WeightFormat.class)
    void resultsDependOnNothingButInputAndRow(WeightFormat format) {
        for (int columns : new int[]{ 32, 544, 2304 }) {
            checkBits(format, columns);
        }
    }

    private void checkBits(WeightFormat format, int columns) {
        int rows = 301;
        int most = 150;
        try (Arena arena = Arena.ofShared();
                WorkerPool one = new WorkerPool(1);
                WorkerPool three = new WorkerPool(3);
                BlasProducts alone = products(one);
                BlasProducts shared = products(three)) {
            Weight weight = weight(arena, format, rows, columns);
            Rows in = rows(arena, most, columns);
            List<Float> expected = new ArrayList<>();
            for (int i = 0; i < most; i++) {
                expected.addAll(product(arena, alone, in.rows(i, 1), weight, 0, rows));
            }
            assertThat(product(arena, shared, in, weight, 0, rows)).isEqualTo(expected);
            for (int count = 1; count <= 40; count++) {
                BlasProducts products = count % 2 == 0 ? alone : shared;
                assertThat(product(arena, products, in.rows(0, count), weight, 0, rows))
                        .isEqualTo(expected.subList(0, count * rows));
                List<Float> part = product(arena, products, in.rows(most - count, count), weight, 17, 140);
                for (int i = 0; i < count; i++) {
                    int from = (most - count + i) * rows + 17;
                    assertThat(part.subList(i * 140, i * 140 + 140)).isEqualTo(expected.subList(from, from + 140));
                }
            }
        }
    }

    @Test
    void productsOfOneInputMayHaveWeightsOfDifferentFormats() {
        try (Arena arena = Arena.ofShared(); BlasProducts products = products(WORKERS)) {
            Rows in = rows(arena, 70, 96);
            List<Product> together = new ArrayList<>();
            for (WeightFormat format : WeightFormat.values()) {
                together.add(Product.whole(new Rows(arena.allocate(70 * 19 * 4, 4), 70, 19),
                        weight(arena, format, 19, 96)));
            }
            products.multiply(in, together);
            for (Product each : together) {
                assertThat(values(each.result())).isEqualTo(product(arena, products, in, each.weight(), 0, 19));
            }
        }
    }

    /** As in files, where tensors begin at any byte. */
    @Test
    void weightsMayLieAnywhere() {
        try (Arena arena = Arena.ofShared(); BlasProducts products = products(WORKERS)) {
            Weight weight = weight(arena, WeightFormat.F32, 150, 128);
            MemorySegment moved = arena.allocate(weight.data().byteSize() + 3, 4).asSlice(3);
            moved.copyFrom(weight.data());
            Rows in = rows(arena, 3, 128);
            assertThat(product(arena, products, in, new Weight("moved", WeightFormat.F32, 150, 128, moved), 0, 150))
                    .isEqualTo(product(arena, products, in, weight, 0, 150));
        }
    }

    @Test
    void refusesProductsThatDoNotFit() {
        try (Arena arena = Arena.ofShared(); BlasProducts products = products(WORKERS)) {
            Weight weight = weight(arena, WeightFormat.F32, 6, 64);
            Rows in = rows(arena, 2, 64);
            Rows out = new Rows(arena.allocate(2 * 8 * 4, 4), 2, 8);
            assertThatThrownBy(() -> products.multiply(in, List.of(new Product(out, weight, 0, 7))))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("weight (6, 64)");
        }
    }

    /** Rows of prompts by one, all others by the other. */
    @Test
    void splitProductsAreThoseOfTheirParts() {
        try (Arena arena = Arena.ofShared();
                KernelProducts kernels = new KernelProducts(ProductKernels.ofThisMachine(), WORKERS);
                BlasProducts blas = products(WORKERS)) {
            SplitProducts split = new SplitProducts(kernels, blas);
            Weight weight = weight(arena, WeightFormat.Q4, 140, 544);
            Rows in = rows(arena, 40, 544);
            List<Float> decoded = product(arena, kernels, in, weight, 0, 140);
            List<Float> prompt = product(arena, blas, in, weight, 0, 140);
            assertThat(decoded).isNotEqualTo(prompt);
            assertThat(product(arena, split, in, weight, 0, 140)).isEqualTo(decoded);
            assertThat(product(arena, split.forPrompts(EnumSet.of(WeightFormat.Q4)), in, weight, 0, 140))
                    .isEqualTo(prompt);
            assertThat(split.description()).contains(kernels.description(), blas.description());
        }
    }
}
