// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.FloatBufferTensor;
import com.github.tjake.jlama.tensor.operations.TensorOperations;

import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.product.MatrixProducts;
import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightFormat;

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
 *
 * <p>Operators that do not want to be split get {@link WholeProducts}. A weight is registered with operators that know
 * that, before they first see it.
 */
public final class JlamaProducts implements MatrixProducts {
    /** Multiply-adds below which a parallel region costs more than it saves. */
    private static final int PARALLEL_WORK = 1 << 17;
    /** A number of weight rows that leaves no corner with any of the operators, whatever the input. */
    private static final int WHOLE_TILES = 20;
    /** Rows of weights per task: enough to amortise a call, few enough to stay in a core's second cache. */
    private static final int TASK_ROWS = 2 * WHOLE_TILES;
    /** In Jlama's development version. */
    private static final String GPU_OPERATIONS = "com.github.tjake.jlama.tensor.operations.NativeGPUTensorOperations";

    private final WorkerPool workers;
    private final TensorOperations operations;
    private final ProductTensors tensors;
    /** Those of operators that do not want to be split. */
    private final Optional<WholeProducts> whole;
    private final Set<WeightFormat> formats;

    /**
     * Creates the products of a model.
     *
     * @param workers threads of a parallel region
     */
    public JlamaProducts(WorkerPool workers) {
        this(workers, NativeOperations.find());
    }

    /** For tests, which bring operators of their own. */
    JlamaProducts(WorkerPool workers, TensorOperations operations) {
        this.workers = workers;
        this.operations = operations;
        this.tensors = new ProductTensors(JlamaAccess.registration(operations));
        this.whole = operations.parallelSplitSize() == 1 ? Optional.of(new WholeProducts(operations, tensors))
                : Optional.empty();
        this.formats = whole.map(calls -> calls.call(() -> multiplied(operations)))
                .orElseGet(() -> multiplied(operations));
    }

    /**
     * Whether Jlama has found a GPU. Its release 0.8.4 knows none, and is not asked then: to look for operators loads
     * its library.
     */
    public static boolean runOnGpu() {
        try {
            Class<?> gpu = Class.forName(GPU_OPERATIONS, false, JlamaProducts.class.getClassLoader());
            return gpu.isInstance(NativeOperations.find());
        } catch (ClassNotFoundException _) {
            return false;
        }
    }

    /** Returns the formats that these operators multiply 32-bit floats with: not all of them know Q4. */
    private static Set<WeightFormat> multiplied(TensorOperations operations) {
        Set<WeightFormat> formats = EnumSet.of(WeightFormat.F32, WeightFormat.BF16);
        FloatBufferTensor row = new FloatBufferTensor(1, Weight.BLOCK);
        try {
            operations.dotProductChunk(new FloatBufferTensor(1, 1), row, row.quantize(DType.Q4, true), 0, Weight.BLOCK,
                    0, 1);
            formats.add(WeightFormat.Q4);
        } catch (UnsupportedOperationException _) {
            // They do not, and say so.
        }
        return formats;
    }

    @Override
    public String description() {
        return operations.name();
    }

    @Override
    public boolean areSameForAnyRows() {
        return false;
    }

    @Override
    public Set<WeightFormat> formats() {
        return formats;
    }

    /** A product by Jlama's tensors. */
    private record Call(AbstractTensor<?, ?> result, AbstractTensor<?, ?> weight, int firstRow, int rows) {
        int tasks() {
            return (rows + TASK_ROWS - 1) / TASK_ROWS;
        }
    }

    @Override
    public void multiply(Rows input, List<Product> products) {
        whole.ifPresentOrElse(calls -> calls.multiply(input, products), () -> multiplySplit(input, products));
    }

    private void multiplySplit(Rows input, List<Product> products) {
        List<Call> calls = new ArrayList<>(products.size());
        for (Product product : products) {
            if (JlamaTensors.fits(product.weight())) {
                calls.add(new Call(tensors.of(product.result()), tensors.of(product.weight()), product.firstRow(),
                        product.rows()));
            } else {
                multiplyParts(input, product);
            }
        }
        if (!calls.isEmpty()) {
            calculate(tensors.of(input), input.columns(), calls);
        }
    }

    /** A weight that no tensor holds: part by part, each into memory of its own, since columns follow rows. */
    private void multiplyParts(Rows input, Product product) {
        for (ProductTensors.Part part : tensors.parts(product.weight())) {
            int from = Math.max(product.firstRow(), part.firstRow());
            int to = Math.min(product.firstRow() + product.rows(), part.end());
            if (from < to) {
                multiplyPart(input, product.result(), part.weight(), from - part.firstRow(), from, to - from);
            }
        }
    }

    private void multiplyPart(Rows input, Rows result, Weight weight, int firstRow, int firstColumn, int count) {
        try (Arena arena = Arena.ofShared()) {
            Rows part = new Rows(arena.allocate((long) input.count() * weight.rows() * Float.BYTES, Long.BYTES),
                    input.count(), weight.rows());
            calculate(JlamaTensors.of(input), input.columns(),
                    List.of(new Call(JlamaTensors.of(part), tensors.of(weight), firstRow, count)));
            for (int row = 0; row < input.count(); row++) {
                MemorySegment.copy(part.memory(), (part.at(row) + firstRow) * Float.BYTES, result.memory(),
                        (result.at(row) + firstColumn) * Float.BYTES, (long) count * Float.BYTES);
            }
        }
    }

    private void calculate(AbstractTensor<?, ?> input, int inner, List<Call> calls) {
        long totalRows = 0;
        int totalTasks = 0;
        for (Call call : calls) {
            totalRows += call.rows();
            totalTasks += call.tasks();
        }
        // Small products run on this thread.
        if (totalRows * inner * input.shape().first() < PARALLEL_WORK) {
            for (Call call : calls) {
                multiply(input, inner, call, call.firstRow(), call.rows());
            }
        } else {
            workers.run(totalTasks, (task, worker) -> multiplyTask(input, inner, calls, task));
        }
    }

    private void multiplyTask(AbstractTensor<?, ?> input, int inner, List<Call> calls, int task) {
        int taskOfCall = task;
        int index = 0;
        while (taskOfCall >= calls.get(index).tasks()) {
            taskOfCall -= calls.get(index++).tasks();
        }
        Call call = calls.get(index);
        int first = taskOfCall * TASK_ROWS;
        multiply(input, inner, call, call.firstRow() + first, Math.min(TASK_ROWS, call.rows() - first));
    }

    private void multiply(AbstractTensor<?, ?> input, int inner, Call call, int firstRow, int count) {
        int row = firstRow;
        for (int left = count; left > 0;) {
            int part = input.shape().first() == 1 ? left : withoutCorner(left);
            operations.dotProductChunk(call.result(), input, call.weight(), 0, inner, row, part);
            row += part;
            left -= part;
        }
    }

    @Override
    public void close() {
        whole.ifPresent(WholeProducts::close);
    }

    /** Returns the largest part of some weight rows that leaves no corner, whatever the input. */
    private static int withoutCorner(int rows) {
        return rows >= WHOLE_TILES ? rows / WHOLE_TILES * WHOLE_TILES : Math.min(4, Integer.highestOneBit(rows));
    }
}
