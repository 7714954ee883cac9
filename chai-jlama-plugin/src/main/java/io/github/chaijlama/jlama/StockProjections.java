// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import com.github.tjake.jlama.math.VectorMath;
import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.safetensors.Config;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.operations.TensorOperations;

import io.github.chaijlama.jlama.JlamaAccess.AttentionWeights;

/**
 * The four matrix products of Jlama's own attention, with the operators, the threads and the division of work that it
 * uses, to learn how much of its time they take. Results are thrown away.
 */
final class StockProjections {
    private final AbstractModel model;
    private final AttentionWeights weights;
    private final TensorOperations operations = NativeOperations.find();

    StockProjections(AbstractModel model, AttentionWeights weights) {
        this.model = model;
        this.weights = weights;
    }

    /** Runs the products on an input of the layer and returns the nanoseconds they took. */
    long run(AbstractTensor<?, ?> input) {
        Config config = model.getConfig();
        int rows = input.shape().first();
        try (AbstractTensor<?, ?> queries = model.makeDenseTensor(rows, config.attentionLength);
                AbstractTensor<?, ?> keys = model.makeDenseTensor(rows, config.kvLength);
                AbstractTensor<?, ?> values = model.makeDenseTensor(rows, config.kvLength);
                AbstractTensor<?, ?> result = model.makeDenseTensor(rows, config.embeddingLength)) {
            long start = System.nanoTime();
            int inner = config.embeddingLength;
            if (config.isGQA) {
                VectorMath.pchunk(0, config.attentionLength, (from, count) -> operations.dotProductChunk(queries, input,
                        weights.query(), 0, inner, from, count));
                VectorMath.pchunk(0, config.kvLength, (from, count) -> {
                    operations.dotProductChunk(keys, input, weights.key(), 0, inner, from, count);
                    operations.dotProductChunk(values, input, weights.value(), 0, inner, from, count);
                });
            } else {
                AbstractTensor<?, ?>[] results = { queries, keys, values };
                AbstractTensor<?, ?>[] matrices = { weights.query(), weights.key(), weights.value() };
                VectorMath.pchunk(0, config.attentionLength, (from, count) -> operations.dotProductBatchChunk(results,
                        input, matrices, 0, inner, from, count));
            }
            try (AbstractTensor<?, ?> attended = JlamaAccess.quantize(model, queries)) {
                VectorMath.pchunk(0, inner, (from, count) -> operations.dotProductChunk(result, attended,
                        weights.output(), 0, config.attentionLength, from, count));
            }
            return System.nanoTime() - start;
        }
    }
}
