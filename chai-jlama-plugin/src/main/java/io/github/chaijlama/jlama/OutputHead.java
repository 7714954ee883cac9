// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.lang.foreign.MemorySegment;
import java.util.List;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.LayerNorm;
import com.github.tjake.jlama.tensor.AbstractTensor;

import io.github.chaijlama.jlama.MatrixProducts.Product;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

/**
 * Turns rows of a pass into logits: norm, product with the vocabulary, the model's own multiplier and cap. Jlama
 * offers probabilities only, and leaves multiplier and cap out.
 */
final class OutputHead implements AutoCloseable {
    /** Rows per product: enough to read the weights seldom, few enough for a vocabulary of 128,000 in 16 MiB. */
    private static final int MAX_ROWS = 32;

    private final ModelConfig config;
    private final LayerNorm norm;
    private final AbstractTensor<?, ?> weights;
    private final MatrixProducts products;
    private final RowTensors logits;

    /**
     * Creates the output of a model.
     *
     * @param weights {@code (vocabularySize, hiddenSize)}
     */
    OutputHead(AbstractModel model, ModelConfig config, AbstractTensor<?, ?> weights, MatrixProducts products) {
        this.config = config;
        this.norm = JlamaAccess.precise(model, JlamaAccess.sampleOutput(model).getOutputLayerNorm());
        this.weights = weights;
        this.products = products;
        this.logits = new RowTensors(config.vocabularySize());
    }

    /**
     * Calculates the logits of one row.
     *
     * @param rows {@code (row, hiddenSize)}
     * @param row  the row
     * @return logits, {@code (vocabularySize)}, before temperature
     */
    float[] logits(AbstractTensor<?, ?> rows, int row) {
        float[][] result = new float[1][];
        product(rows, row, 1, result, 0);
        return result[0];
    }

    /**
     * Calculates the logits of the first rows.
     *
     * @param rows   {@code (row, hiddenSize)}
     * @param count  number of rows
     * @param result where the logits of each row go, {@code (position, vocabularySize)}
     * @param offset position of the first row
     */
    void logits(AbstractTensor<?, ?> rows, int count, float[][] result, int offset) {
        for (int row = 0; row < count; row += MAX_ROWS) {
            product(rows, row, Math.min(MAX_ROWS, count - row), result, offset + row);
        }
    }

    private void product(AbstractTensor<?, ?> rows, int firstRow, int count, float[][] result, int offset) {
        AbstractTensor<?, ?> block = logits.tensor(count);
        try (AbstractTensor<?, ?> normed = norm.forward(RowTensors.view(rows, firstRow, count))) {
            products.multiply(normed, config.hiddenSize(), List.of(Product.whole(block, weights)));
        }
        MemorySegment memory = block.getMemorySegment();
        long rowBytes = (long) config.vocabularySize() * Float.BYTES;
        for (int row = 0; row < count; row++) {
            float[] values = memory.asSlice(row * rowBytes, rowBytes).toArray(JAVA_FLOAT_UNALIGNED);
            scaleAndCap(values);
            result[offset + row] = values;
        }
    }

    private void scaleAndCap(float[] values) {
        float divisor = config.multipliers().logitDivisor();
        if (divisor != 1) {
            for (int i = 0; i < values.length; i++) {
                values[i] /= divisor;
            }
        }
        float cap = config.multipliers().logitSoftCap();
        if (cap > 0) {
            for (int i = 0; i < values.length; i++) {
                values[i] = cap * (float) Math.tanh(values[i] / cap);
            }
        }
    }

    @Override
    public void close() {
        logits.close();
    }
}
