// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

import com.github.tjake.jlama.math.ActivationFunction;
import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.functions.FeedForward;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.operations.TensorOperationsProvider;

import io.github.chaijlama.jlama.JlamaAccess.MlpWeights;
import io.github.chaijlama.jlama.MatrixProducts.Product;
import io.github.chaijlama.parallel.WorkerPool;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

/**
 * The feed-forward network of a layer, {@code down(activation(gate(x)) * up(x))}. Takes the place of Jlama's
 * {@code MLPBlock}, which keeps the buffers of the request in fields, so that two requests at once get each other's
 * numbers, and whose products leave rows out for some sizes.
 */
final class StatelessMlp implements FeedForward {
    private static final int ACTIVATION_TASK = 4096;

    private final AbstractModel model;
    private final MlpWeights weights;
    private final SwapResources resources;

    StatelessMlp(AbstractModel model, MlpWeights weights, SwapResources resources) {
        this.model = model;
        this.weights = weights;
        this.resources = resources;
    }

    @Override
    @SuppressWarnings("rawtypes")
    public AbstractTensor forward(AbstractTensor input, Optional<Consumer<List<AbstractTensor>>> tensorReducer) {
        ReentrantLock lock = resources.lock();
        lock.lock();
        try {
            return forward(input);
        } finally {
            lock.unlock();
        }
    }

    private AbstractTensor<?, ?> forward(AbstractTensor<?, ?> input) {
        int rows = input.shape().first();
        int hiddenSize = model.getConfig().embeddingLength;
        int intermediateSize = model.getConfig().hiddenLength;
        MatrixProducts products = resources.products();
        AbstractTensor<?, ?> gate = resources.gate().tensor(rows);
        if (weights.up() == null) {
            products.multiply(input, hiddenSize, List.of(Product.whole(gate, weights.gate())));
            weights.gateBias().ifPresent(
                    bias -> TensorOperationsProvider.get().accumulate(gate, bias, 0, intermediateSize));
            activate(resources.workers(), weights.activation(), gate.getMemorySegment(), null,
                    (long) rows * intermediateSize);
        } else {
            AbstractTensor<?, ?> up = resources.up().tensor(rows);
            products.multiply(input, hiddenSize,
                    List.of(Product.whole(gate, weights.gate()), Product.whole(up, weights.up())));
            weights.gateBias().ifPresent(
                    bias -> TensorOperationsProvider.get().accumulate(gate, bias, 0, intermediateSize));
            activate(resources.workers(), weights.activation(), gate.getMemorySegment(), up.getMemorySegment(),
                    (long) rows * intermediateSize);
        }
        AbstractTensor<?, ?> result = model.makeDenseTensor(rows, hiddenSize);
        products.multiplyQuantized(model, gate, intermediateSize, Product.whole(result, weights.down()));
        weights.downBias().ifPresent(bias -> TensorOperationsProvider.get().accumulate(result, bias, 0, hiddenSize));
        return result;
    }

    /** Applies the activation to {@code gate} in place, and multiplies it with {@code up} where there is one. */
    static void activate(WorkerPool workers, ActivationFunction.Type activation, MemorySegment gate, MemorySegment up,
            long length) {
        int tasks = (int) ((length + ACTIVATION_TASK - 1) / ACTIVATION_TASK);
        workers.run(tasks, (task, worker) -> {
            long end = Math.min(length, (task + 1L) * ACTIVATION_TASK);
            for (long i = (long) task * ACTIVATION_TASK; i < end; i++) {
                float value = ActivationFunction.eval(activation, gate.getAtIndex(JAVA_FLOAT, i));
                gate.setAtIndex(JAVA_FLOAT, i, up == null ? value : value * up.getAtIndex(JAVA_FLOAT, i));
            }
        });
    }
}
