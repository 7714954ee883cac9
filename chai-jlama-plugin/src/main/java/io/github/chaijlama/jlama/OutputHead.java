// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.util.List;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.LayerNorm;
import com.github.tjake.jlama.tensor.AbstractTensor;

import io.github.chaijlama.jlama.MatrixProducts.Product;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

/**
 * Turns the last row of a pass into logits: norm, product with the vocabulary, the model's own multiplier and cap. Jlama
 * offers probabilities only, and leaves multiplier and cap out.
 */
final class OutputHead implements AutoCloseable {
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
        AbstractTensor<?, ?> result = logits.tensor(1);
        try (AbstractTensor<?, ?> normed = norm.forward(RowTensors.view(rows, row, 1))) {
            products.multiply(normed, config.hiddenSize(), List.of(Product.whole(result, weights)));
        }
        float[] values = result.getMemorySegment().toArray(JAVA_FLOAT_UNALIGNED);
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
        return values;
    }

    @Override
    public void close() {
        logits.close();
    }
}
