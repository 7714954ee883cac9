// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import com.github.tjake.jlama.tensor.AbstractTensor;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

/** What an output projection makes of the heads' outputs. */
final class OutputProducts {
    private OutputProducts() {}

    /**
     * Returns {@code W_h^T W_h} for the columns {@code W_h} of every head, {@code (head, headSize, headSize)}.
     *
     * @param weights the output projection, {@code (hiddenSize, head * headSize)}
     */
    static float[] of(AbstractTensor<?, ?> weights, int headSize) {
        int columns = weights.shape().last();
        int rows = weights.shape().first();
        RowDecoder decoder = RowDecoder.of(weights);
        double[] products = new double[columns * headSize];
        float[] row = new float[columns];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment decoded = arena.allocate((long) columns * Float.BYTES, Long.BYTES);
            for (int i = 0; i < rows; i++) {
                decoder.decode(i, decoded, 0);
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
