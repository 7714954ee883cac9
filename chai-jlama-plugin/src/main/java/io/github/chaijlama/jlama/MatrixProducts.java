// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.util.List;
import java.util.function.LongConsumer;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.FloatBufferTensor;
import com.github.tjake.jlama.tensor.operations.TensorOperations;
import com.github.tjake.jlama.tensor.operations.TensorOperationsProvider;

import io.github.chaijlama.parallel.WorkerPool;

/**
 * Matrix products by Jlama's operators (its SIMD library, Panama, or a GPU), cut into ranges of weight rows that run in
 * parallel. Replaces Jlama's {@code VectorMath.pchunk}, which leaves rows out when the length is not a multiple of the
 * split, and which sends every product through a pool of its own.
 *
 * <p>It also keeps clear of a gap in the operators themselves. They work in tiles, and the corner where neither the
 * input rows nor the weight rows fill a tile is never computed: with Jlama 0.8.4's library the last
 * {@code inputRows % 5} rows lack their last {@code rows % 5} columns, with Panama and 32-bit weights it is {@code % 3}
 * and {@code % 4}, with Panama and 4-bit weights on AVX-512 {@code % 2} and {@code % 2}. There is no corner when the
 * weight rows are a multiple of 20, or 4, 2 or 1, or the input is one row.
 */
final class MatrixProducts {
    /** Multiply-adds below which a parallel region costs more than it saves. */
    private static final long PARALLEL_WORK = 1 << 17;
    /** A number of weight rows that leaves no corner with any of the operators, whatever the input. */
    private static final int WHOLE_TILES = 20;
    /** Rows of weights per task: enough to amortise a call, few enough to stay in a core's second cache. */
    private static final int TASK_ROWS = 2 * WHOLE_TILES;

    private final WorkerPool workers;
    private final TensorOperations operations = TensorOperationsProvider.get();
    /** Told how long products take; null, but in measurements. */
    private LongConsumer observer;

    MatrixProducts(WorkerPool workers) {
        this.workers = workers;
    }

    /**
     * A product to calculate: {@code result[i][j] = sum_k input[i][k] * weights[j][k]} for the given rows {@code j} of
     * the weights; results land in the columns of the same numbers.
     *
     * @param result   {@code (inputRows, at least firstRow + rows)}
     * @param weights  {@code (at least firstRow + rows, inner)}
     * @param firstRow first row of the weights
     * @param rows     number of rows, at least 1
     */
    record Product(AbstractTensor<?, ?> result, AbstractTensor<?, ?> weights, int firstRow, int rows) {

        /** Returns the product with all rows of the weights. */
        static Product whole(AbstractTensor<?, ?> result, AbstractTensor<?, ?> weights) {
            return new Product(result, weights, 0, weights.shape().first());
        }

        private int tasks() {
            return (rows + TASK_ROWS - 1) / TASK_ROWS;
        }
    }

    /** Tells the nanoseconds of every product from now on; not in the middle of one. */
    void observe(LongConsumer newObserver) {
        this.observer = newObserver;
    }

    /**
     * Checks that this machine's operators multiply 32-bit floats with weights of a quantized type: not all of them do.
     *
     * @throws ModelLoadException if they do not
     */
    static void requireOperators(DType weights) {
        TensorOperations operations = TensorOperationsProvider.get();
        FloatBufferTensor row = new FloatBufferTensor(1, StoredWeight.BLOCK);
        try {
            operations.dotProductChunk(new FloatBufferTensor(1, 1), row, row.quantize(weights, true), 0,
                    StoredWeight.BLOCK, 0, 1);
        } catch (UnsupportedOperationException e) {
            throw new ModelLoadException("Jlama's operators on this machine, " + operations.name()
                    + ", cannot multiply with weights of type " + weights, e);
        }
    }

    /**
     * Calculates products of one input in one parallel region.
     *
     * @param input {@code (inputRows, inner)}, in the type the model's weights are multiplied with
     * @param inner columns of input and weights
     */
    void multiply(AbstractTensor<?, ?> input, int inner, List<Product> products) {
        long start = observer == null ? 0 : System.nanoTime();
        calculate(input, inner, products);
        if (observer != null) {
            observer.accept(System.nanoTime() - start);
        }
    }

    private void calculate(AbstractTensor<?, ?> input, int inner, List<Product> products) {
        long totalRows = 0;
        int totalTasks = 0;
        for (Product product : products) {
            totalRows += product.rows();
            totalTasks += product.tasks();
        }
        // Operators that do not want to be split (a GPU's) and small products run whole, on this thread.
        if (operations.parallelSplitSize() == 1 || totalRows * inner * input.shape().first() < PARALLEL_WORK) {
            for (Product product : products) {
                multiply(input, inner, product, product.firstRow(), product.rows());
            }
        } else {
            workers.run(totalTasks, (task, worker) -> multiplyTask(input, inner, products, task));
        }
    }

    /**
     * Calculates a product of 32-bit floats, in the type the model multiplies its weights with.
     *
     * @param input {@code (inputRows, inner)} of 32-bit floats
     */
    void multiplyQuantized(AbstractModel model, AbstractTensor<?, ?> input, int inner, Product product) {
        if (JlamaAccess.workingQuantizedType(model) == DType.F32) {
            multiply(input, inner, List.of(product));
        } else {
            try (AbstractTensor<?, ?> quantized = JlamaAccess.quantize(model, input)) {
                multiply(quantized, inner, List.of(product));
            }
        }
    }

    private void multiplyTask(AbstractTensor<?, ?> input, int inner, List<Product> products, int task) {
        int taskOfProduct = task;
        int index = 0;
        while (taskOfProduct >= products.get(index).tasks()) {
            taskOfProduct -= products.get(index++).tasks();
        }
        Product product = products.get(index);
        int first = taskOfProduct * TASK_ROWS;
        multiply(input, inner, product, product.firstRow() + first, Math.min(TASK_ROWS, product.rows() - first));
    }

    private void multiply(AbstractTensor<?, ?> input, int inner, Product product, int firstRow, int rows) {
        int row = firstRow;
        for (int left = rows; left > 0;) {
            int count = input.shape().first() == 1 ? left : withoutCorner(left);
            call(input, inner, product, row, count);
            row += count;
            left -= count;
        }
    }

    /** Returns the largest part of some weight rows that leaves no corner, whatever the input. */
    private static int withoutCorner(int rows) {
        return rows >= WHOLE_TILES ? rows / WHOLE_TILES * WHOLE_TILES : Math.min(4, Integer.highestOneBit(rows));
    }

    private void call(AbstractTensor<?, ?> input, int inner, Product product, int firstRow, int rows) {
        operations.dotProductChunk(product.result(), input, product.weights(), 0, inner, firstRow, rows);
    }
}
