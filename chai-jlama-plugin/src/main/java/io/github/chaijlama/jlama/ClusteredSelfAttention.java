// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.CausalSelfAttention;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import com.github.tjake.jlama.tensor.operations.TensorOperationsProvider;

import io.github.chaijlama.attention.AttentionSequence;
import io.github.chaijlama.attention.HeadRun;
import io.github.chaijlama.attention.QkvProjection;
import io.github.chaijlama.jlama.JlamaAccess.AttentionWeights;
import io.github.chaijlama.jlama.MatrixProducts.Product;

/**
 * Stands in a Jlama block where its attention was: projects with Jlama's operators and the layer's own weights, and
 * leaves the rest to {@link io.github.chaijlama.attention.LayerAttention}. Holds nothing of a request; the key/value
 * buffer that Jlama passes along only tells which sequence is meant.
 */
final class ClusteredSelfAttention extends CausalSelfAttention {
    private final AbstractModel model;
    private final int layer;
    private final AttentionWeights weights;
    private final AttentionSwap swap;
    private final SwapResources resources;
    private final int headSize;
    /** Calculated when somebody asks. */
    private float[] outputProducts;

    /**
     * Creates the attention of a layer.
     *
     * @param layer position of its block in the model's array; Jlama's own index is relative in some families and
     *              absolute in others
     */
    @SuppressWarnings({ "unchecked", "rawtypes" })
    ClusteredSelfAttention(AbstractModel model, int layer, AttentionWeights weights, AttentionSwap swap,
            SwapResources resources) {
        super(model, layer, (Optional<AbstractTensor>) (Optional) weights.queryBias(),
                (Optional<AbstractTensor>) (Optional) weights.keyBias(),
                (Optional<AbstractTensor>) (Optional) weights.valueBias(), weights.query(), weights.key(),
                weights.value(), (Optional<AbstractTensor>) (Optional) weights.outputBias(), weights.output());
        this.model = model;
        this.layer = layer;
        this.weights = weights;
        this.swap = swap;
        this.resources = resources;
        this.headSize = model.getConfig().headSize;
    }

    @Override
    @SuppressWarnings("rawtypes")
    public AbstractTensor forward(AbstractTensor input, int startPosition, KvBufferCache.KvBuffer buffer,
            Optional<Consumer<List<AbstractTensor>>> tensorReducer) {
        if (tensorReducer.isPresent()) {
            throw new UnsupportedOperationException("a model split over several machines cannot run this attention");
        }
        ReentrantLock lock = resources.lock();
        lock.lock();
        try {
            AttentionSequence sequence = swap.sequenceFor(buffer, layer, startPosition, input.shape().first());
            AbstractTensor<?, ?> result = forward(sequence, input, startPosition);
            swap.layerDone(buffer, layer);
            return result;
        } finally {
            lock.unlock();
        }
    }

    private AbstractTensor<?, ?> forward(AttentionSequence sequence, AbstractTensor<?, ?> input, int startPosition) {
        int rows = input.shape().first();
        AbstractTensor<?, ?> attended = resources.attended().tensor(rows);
        swap.attention().forward(sequence, layer, startPosition, rows, new Projection(input, rows),
                attended.getMemorySegment());

        int hiddenSize = model.getConfig().embeddingLength;
        int attentionLength = model.getConfig().attentionLength;
        AbstractTensor<?, ?> result = model.makeDenseTensor(rows, hiddenSize);
        resources.products().multiplyQuantized(model, attended, attentionLength,
                Product.whole(result, weights.output()));
        weights.outputBias().ifPresent(bias -> TensorOperationsProvider.get().accumulate(result, bias, 0, hiddenSize));
        return result;
    }

    /** The projections of one batch. */
    private final class Projection implements QkvProjection {
        private final AbstractTensor<?, ?> input;
        private final AbstractTensor<?, ?> queries;
        private final AbstractTensor<?, ?> keys;
        private final AbstractTensor<?, ?> values;

        Projection(AbstractTensor<?, ?> input, int rows) {
            this.input = input;
            this.queries = resources.queries().tensor(rows);
            this.keys = resources.keys().tensor(rows);
            this.values = resources.values().tensor(rows);
        }

        @Override
        public void project(int firstRow, int rows, List<HeadRun> queryRuns, List<HeadRun> keyRuns) {
            // Rows of a quantized input cannot be viewed apart; then the whole batch is projected. Rows asked for
            // earlier have been used by now, rows to come are projected again.
            boolean viewable = input.dType() == DType.F32;
            int from = viewable ? firstRow : 0;
            int count = viewable ? rows : input.shape().first();
            AbstractTensor<?, ?> query = RowTensors.view(queries, from, count);
            AbstractTensor<?, ?> key = RowTensors.view(keys, from, count);
            AbstractTensor<?, ?> value = RowTensors.view(values, from, count);

            List<Product> products = new ArrayList<>();
            queryRuns.forEach(run -> products.add(product(query, weights.query(), run)));
            keyRuns.forEach(run -> products.add(product(key, weights.key(), run)));
            products.add(Product.whole(value, weights.value()));
            resources.products().multiply(RowTensors.view(input, from, count), model.getConfig().embeddingLength,
                    products);

            weights.queryBias().ifPresent(bias -> addBias(query, bias, queryRuns));
            weights.keyBias().ifPresent(bias -> addBias(key, bias, keyRuns));
            weights.valueBias().ifPresent(
                    bias -> TensorOperationsProvider.get().accumulate(value, bias, 0, value.shape().last()));
        }

        private Product product(AbstractTensor<?, ?> result, AbstractTensor<?, ?> weights, HeadRun run) {
            return new Product(result, weights, run.first() * headSize, run.count() * headSize);
        }

        private void addBias(AbstractTensor<?, ?> rows, AbstractTensor<?, ?> bias, List<HeadRun> runs) {
            for (HeadRun run : runs) {
                TensorOperationsProvider.get().accumulate(rows, bias, run.first() * headSize, run.count() * headSize);
            }
        }

        @Override
        public MemorySegment queries() {
            return queries.getMemorySegment();
        }

        @Override
        public MemorySegment keys() {
            return keys.getMemorySegment();
        }

        @Override
        public MemorySegment values() {
            return values.getMemorySegment();
        }

        @Override
        public float[] outputProducts() {
            if (outputProducts == null) {
                outputProducts = OutputProducts.of(weights.output(), headSize);
            }
            return outputProducts;
        }
    }
}
