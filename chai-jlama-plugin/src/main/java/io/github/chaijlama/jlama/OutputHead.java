// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.util.List;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.functions.SampleOutput;
import com.github.tjake.jlama.safetensors.Config;
import com.github.tjake.jlama.tensor.AbstractTensor;

import io.github.chaijlama.jlama.MatrixProducts.Product;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

/**
 * Turns the last row of a pass into logits: norm, product with the vocabulary, the model's own multiplier and cap. Jlama
 * offers probabilities only, and leaves multiplier and cap out.
 */
final class OutputHead implements AutoCloseable {
    private final Config config;
    private final SampleOutput output;
    private final MatrixProducts products;
    private final RowTensors logits;

    OutputHead(AbstractModel model, MatrixProducts products) {
        this.config = model.getConfig();
        this.output = JlamaAccess.sampleOutput(model);
        this.products = products;
        this.logits = new RowTensors(config.vocabularySize);
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
        try (AbstractTensor<?, ?> normed = output.getOutputLayerNorm().forward(RowTensors.view(rows, row, 1))) {
            products.multiply(normed, config.embeddingLength,
                    List.of(Product.whole(result, output.getOutputLogitsWeights())));
        }
        float[] values = result.getMemorySegment().toArray(JAVA_FLOAT_UNALIGNED);
        if (config.logitMultiplier != null) {
            for (int i = 0; i < values.length; i++) {
                values[i] /= config.logitMultiplier;
            }
        }
        if (config.finalLogitSoftCapping != null) {
            float cap = config.finalLogitSoftCapping;
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
