// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;

import com.github.tjake.jlama.safetensors.DType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.product.MatrixProducts.Product;
import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightFormat;
import io.github.chaijlama.weight.WeightRows;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;

/** Every element of a product is computed, whatever the sizes: Jlama's operators leave corners out. */
@Tag("operators")
class JlamaProductsTests {
    private static final int INNER = 64;

    private final Arena arena = Arena.ofShared();
    private final WorkerPool workers = new WorkerPool(2);

    @AfterEach
    void free() {
        workers.close();
        arena.close();
    }

    private Rows random(int count, int columns, int seed) {
        SplittableRandom random = new SplittableRandom(seed);
        MemorySegment memory = arena.allocate((long) count * columns * Float.BYTES, 64);
        for (long i = 0; i < (long) count * columns; i++) {
            memory.setAtIndex(JAVA_FLOAT, i, (float) random.nextDouble(-1, 1));
        }
        return new Rows(memory, count, columns);
    }

    private Weight weight(WeightFormat format, int rows, int seed) {
        Weight floats = new Weight("w", WeightFormat.F32, rows, INNER, random(rows, INNER, seed).memory());
        return format == WeightFormat.F32 ? floats
                : JlamaTensors.weight("w", JlamaTensors.of(floats).quantize(DType.valueOf(format.name()), true));
    }

    private static float get(Rows rows, int row, int column) {
        return rows.memory().getAtIndex(JAVA_FLOAT, rows.at(row) + column);
    }

    private static void assertProduct(Rows result, Rows input, Weight weight, int firstRow, int rows) {
        WeightRows decoder = new WeightRows(weight);
        float[] values = new float[INNER];
        for (int j = firstRow; j < firstRow + rows; j++) {
            decoder.decode(j, MemorySegment.ofArray(values), 0);
            for (int i = 0; i < input.count(); i++) {
                double expected = 0;
                for (int k = 0; k < INNER; k++) {
                    expected += (double) get(input, i, k) * values[k];
                }
                if (Math.abs(get(result, i, j) - expected) > 1e-4) {
                    assertThat(get(result, i, j)).as("%d input rows, %d weight rows, element %d,%d", input.count(),
                            rows, i, j).isEqualTo((float) expected);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(value = WeightFormat.class, names = { "F32", "BF16", "Q4" })
    void everyElementIsComputed(WeightFormat format) {
        JlamaProducts products = new JlamaProducts(workers);
        assertThat(products.formats()).contains(format);
        for (int inputRows : new int[]{ 1, 2, 3, 4, 5, 6, 7, 8, 11, 16, 33, 64 }) {
            Rows input = random(inputRows, INNER, inputRows);
            for (int rows = 1; rows <= 90; rows++) {
                Weight weight = weight(format, rows, rows);
                Rows result = random(inputRows, rows, 1);
                products.multiply(input, List.of(Product.whole(result, weight)));
                assertProduct(result, input, weight, 0, rows);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = { 1, 3, 7, 40 })
    void rangesOfRowsLandInTheirColumnsAndLeaveTheOthersAlone(int inputRows) {
        JlamaProducts products = new JlamaProducts(workers);
        Rows input = random(inputRows, INNER, 1);
        Weight weight = weight(WeightFormat.F32, 700, 2);
        Weight other = weight(WeightFormat.F32, 333, 3);
        Rows result = random(inputRows, 700, 4);
        Rows otherResult = random(inputRows, 333, 5);
        float untouched = get(result, inputRows - 1, 99);

        products.multiply(input, List.of(new Product(result, weight, 100, 47), new Product(result, weight, 300, 311),
                Product.whole(otherResult, other)));

        assertProduct(result, input, weight, 100, 47);
        assertProduct(result, input, weight, 300, 311);
        assertProduct(otherResult, input, other, 0, 333);
        assertThat(get(result, inputRows - 1, 99)).isEqualTo(untouched);
    }

    /** A hole in a file takes no space on the disk, and reads as zeros but for what is written at its end. */
    @Test
    void weightsLargerThanATensorOfJlamaAreCut(@TempDir Path directory) throws IOException {
        int rows = (int) ((1L << 31) / Float.BYTES / INNER) + 100;
        long bytes = (long) rows * INNER * Float.BYTES;
        try (FileChannel file = FileChannel.open(directory.resolve("hole"), CREATE, READ, WRITE)) {
            MemorySegment memory = file.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena);
            MemorySegment last = memory.asSlice(bytes - 100L * INNER * Float.BYTES);
            last.copyFrom(random(100, INNER, 7).memory());
            Weight weight = new Weight("large", WeightFormat.F32, rows, INNER, memory);
            Rows input = random(3, INNER, 8);
            Rows result = new Rows(arena.allocate(3L * rows * Float.BYTES, 64), 3, rows);
            new JlamaProducts(workers).multiply(input, List.of(new Product(result, weight, rows - 300, 300)));
            assertProduct(result, input, weight, rows - 300, 300);
            assertThat(get(result, 2, rows - 1)).isNotZero();
        }
    }
}
