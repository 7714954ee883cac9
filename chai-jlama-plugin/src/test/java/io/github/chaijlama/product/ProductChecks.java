// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.product;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.product.MatrixProducts.Product;
import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightFormat;
import io.github.chaijlama.weight.WeightRows;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** Random inputs and weights, their products, and what these are in double precision. */
abstract class ProductChecks {
    static final int[] INPUTS = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 50 };
    static final int[] ROWS = { 1, 2, 3, 5, 6, 7, 13, 31, 33 };

    private final Random random = new Random(7);

    static int[] columns(WeightFormat format) {
        return format.isQuantized() ? new int[]{ 32, 64, 96, 128, 160, 256, 544 }
                : new int[]{ 1, 7, 8, 17, 32, 33, 63, 64, 65, 100, 128, 520 };
    }

    /**
     * Compares a product of random values with what it is in double precision.
     *
     * @param error how far off a result may be, in parts of the sum of what is added up without signs
     */
    final void checkAgainstDouble(MatrixProducts products, WeightFormat format, int inputs, int columns, int rows,
            double error) {
        try (Arena arena = Arena.ofShared()) {
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
                    if (!(Math.abs(found - sum) <= error * size + 1e-30)) {
                        assertThat(found)
                                .as("%s, %d inputs of %d, %d rows: [%d][%d]", format, inputs, columns, rows, i, r)
                                .isCloseTo(sum, within(error * size + 1e-30));
                    }
                }
            }
        }
    }

    static List<Float> product(Arena arena, MatrixProducts products, Rows in, Weight weight, int first,
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

    static List<Float> values(Rows rows) {
        List<Float> values = new ArrayList<>();
        for (float value : rows.memory().toArray(JAVA_FLOAT)) {
            values.add(value);
        }
        return values;
    }

    static float[][] widened(Weight weight) {
        WeightRows reader = new WeightRows(weight);
        float[][] rows = new float[weight.rows()][weight.columns()];
        for (int row = 0; row < rows.length; row++) {
            reader.decode(row, MemorySegment.ofArray(rows[row]), 0);
        }
        return rows;
    }

    final Rows rows(Arena arena, int count, int columns) {
        Rows rows = new Rows(arena.allocate((long) count * columns * 4, 4), count, columns);
        for (long i = 0; i < (long) count * columns; i++) {
            rows.memory().setAtIndex(JAVA_FLOAT, i, (float) random.nextGaussian());
        }
        return rows;
    }

    /** Random weights, without whatever is no number. */
    final Weight weight(Arena arena, WeightFormat format, int rows, int columns) {
        long values = (long) rows * columns;
        MemorySegment data = arena.allocate(format.bytes(values), 4);
        for (long i = 0; i < values; i++) {
            float value = (float) random.nextGaussian();
            switch (format) {
                case F32 -> data.setAtIndex(JAVA_FLOAT, i, value);
                case BF16 -> data.setAtIndex(JAVA_SHORT, i, (short) (Float.floatToRawIntBits(value) >> 16));
                case F16 -> data.setAtIndex(JAVA_SHORT, i, Float.floatToFloat16(value));
                case I8 -> data.set(JAVA_BYTE, i, (byte) random.nextInt());
                case F8 -> data.set(JAVA_BYTE, i, (byte) (random.nextInt(127) | random.nextInt() & 128));
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
