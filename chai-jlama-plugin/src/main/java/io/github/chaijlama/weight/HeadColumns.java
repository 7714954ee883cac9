// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

/** What an output projection makes of the heads' outputs. */
public final class HeadColumns {
    private HeadColumns() {}

    /**
     * Returns {@code W_h^T W_h} for the columns {@code W_h} of every head, {@code (head, headSize, headSize)}.
     *
     * @param weight the output projection, {@code (hiddenSize, head * headSize)}
     */
    public static float[] products(Weight weight, int headSize) {
        int columns = weight.columns();
        WeightRows rows = new WeightRows(weight);
        double[] products = new double[columns * headSize];
        float[] row = new float[columns];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment decoded = arena.allocate((long) columns * Float.BYTES, Long.BYTES);
            for (int i = 0; i < weight.rows(); i++) {
                rows.decode(i, decoded, 0);
                MemorySegment.copy(decoded, JAVA_FLOAT, 0, row, 0, columns);
                add(products, row, headSize);
            }
        }
        float[] result = new float[products.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = (float) products[i];
        }
        return result;
    }

    private static void add(double[] products, float[] row, int headSize) {
        for (int column = 0; column < row.length; column++) {
            int head = column / headSize * headSize;
            for (int j = 0; j < headSize; j++) {
                products[column * headSize + j] += row[column] * row[head + j];
            }
        }
    }
}
