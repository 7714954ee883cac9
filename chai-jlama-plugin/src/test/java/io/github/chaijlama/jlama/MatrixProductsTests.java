// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.util.List;
import java.util.SplittableRandom;

import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.FloatBufferTensor;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.jlama.MatrixProducts.Product;
import io.github.chaijlama.parallel.WorkerPool;

import static org.assertj.core.api.Assertions.assertThat;

/** Every element of a product is computed, whatever the sizes: Jlama's operators leave corners out. */
@Tag("operators")
class MatrixProductsTests {
    private static final int INNER = 64;

    private static FloatBufferTensor random(int rows, int columns, int seed) {
        SplittableRandom random = new SplittableRandom(seed);
        FloatBufferTensor tensor = new FloatBufferTensor(rows, columns);
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                tensor.set((float) random.nextDouble(-1, 1), i, j);
            }
        }
        return tensor;
    }

    private static void assertProduct(AbstractTensor<?, ?> result, AbstractTensor<?, ?> input,
            AbstractTensor<?, ?> weights, int firstRow, int rows) {
        for (int i = 0; i < input.shape().first(); i++) {
            for (int j = firstRow; j < firstRow + rows; j++) {
                double expected = 0;
                for (int k = 0; k < INNER; k++) {
                    expected += (double) input.get(i, k) * weights.get(j, k);
                }
                if (Math.abs(result.get(i, j) - expected) > 1e-4) {
                    assertThat(result.get(i, j)).as("%d input rows, %d weight rows, element %d,%d",
                            input.shape().first(), rows, i, j).isEqualTo((float) expected);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = { "F32", "BF16", "Q4" })
    void everyElementIsComputed(DType type) {
        try (WorkerPool workers = new WorkerPool(2)) {
            MatrixProducts products = new MatrixProducts(workers);
            for (int inputRows : new int[]{ 1, 2, 3, 4, 5, 6, 7, 8, 11, 16, 33, 64 }) {
                AbstractTensor<?, ?> input = random(inputRows, INNER, inputRows);
                for (int rows = 1; rows <= 90; rows++) {
                    AbstractTensor<?, ?> weights = random(rows, INNER, rows).quantize(type, true);
                    AbstractTensor<?, ?> result = random(inputRows, rows, 1);
                    products.multiply(input, INNER, List.of(Product.whole(result, weights)));
                    assertProduct(result, input, weights, 0, rows);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = { 1, 3, 7, 40 })
    void rangesOfRowsLandInTheirColumnsAndLeaveTheOthersAlone(int inputRows) {
        try (WorkerPool workers = new WorkerPool(3)) {
            MatrixProducts products = new MatrixProducts(workers);
            AbstractTensor<?, ?> input = random(inputRows, INNER, 1);
            AbstractTensor<?, ?> weights = random(700, INNER, 2);
            AbstractTensor<?, ?> other = random(333, INNER, 3);
            AbstractTensor<?, ?> result = random(inputRows, 700, 4);
            AbstractTensor<?, ?> otherResult = random(inputRows, 333, 5);
            float untouched = result.get(inputRows - 1, 99);

            products.multiply(input, INNER, List.of(new Product(result, weights, 100, 47),
                    new Product(result, weights, 300, 311), Product.whole(otherResult, other)));

            assertProduct(result, input, weights, 100, 47);
            assertProduct(result, input, weights, 300, 311);
            assertProduct(otherResult, input, other, 0, 333);
            assertThat(result.get(inputRows - 1, 99)).isEqualTo(untouched);
        }
    }
}
