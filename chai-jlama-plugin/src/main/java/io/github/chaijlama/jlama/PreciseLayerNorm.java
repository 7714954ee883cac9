// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.LayerNorm;
import com.github.tjake.jlama.tensor.AbstractTensor;

/**
 * Layer norm with sums in double, the deviations from the mean summed in a second pass. Jlama's takes the difference of
 * two large sums in single precision, which loses the variance of rows whose mean is large.
 */
final class PreciseLayerNorm extends LayerNorm {
    private final AbstractTensor<?, ?> bias;

    PreciseLayerNorm(AbstractModel model, AbstractTensor<?, ?> bias, AbstractTensor<?, ?> weights) {
        super(model, bias, weights);
        this.bias = bias;
    }

    @Override
    @SuppressWarnings("rawtypes")
    public AbstractTensor forward(AbstractTensor input, int offset, int length) {
        AbstractTensor<?, ?> output = m.makeDenseTensor(input.shape());
        for (int row = 0; row < input.shape().first(); row++) {
            double mean = 0;
            for (int i = offset; i < offset + length; i++) {
                mean += input.get(row, i);
            }
            mean /= length;
            double variance = 0;
            for (int i = offset; i < offset + length; i++) {
                double deviation = input.get(row, i) - mean;
                variance += deviation * deviation;
            }
            double factor = 1 / Math.sqrt(variance / length + m.getConfig().layerNormEps);
            for (int i = offset; i < offset + length; i++) {
                output.set((float) ((input.get(row, i) - mean) * factor * weights.get(0, i) + bias.get(0, i)), row, i);
            }
        }
        return output;
    }
}
