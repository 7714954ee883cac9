// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.product;

import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

import io.github.chaijlama.blas.BlasLibrary;
import io.github.chaijlama.blas.BlasLibrary.Matrix;
import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightFormat;

import static io.github.chaijlama.product.BlasBlock.ROWS;
import static io.github.chaijlama.product.ProductKernels.PANEL_ROWS;

/**
 * Matrix products by a BLAS library, for many inputs: threads of ours take some rows of a weight each and call the
 * library on their own. Weights of 32-bit floats are read as they lie, rows of others are widened into scratch memory
 * once and used for all inputs.
 *
 * <p>A library may sum up one way in small products and another in large ones, and in yet another at their edges. So
 * every call has the same size, as many inputs as {@link BlasBlock} says times {@link BlasBlock#ROWS} rows, and what is
 * missing is 0: a result does not depend on how many inputs and rows there are, how they are cut into calls, or which
 * thread calculates them. The sums are not those of {@link KernelProducts}, and few inputs cost what a block of them
 * costs.
 */
public final class BlasProducts implements MatrixProducts {
    private final BlasLibrary library;
    /** Inputs of a call. */
    private final int blockInputs;
    private final ProductKernels kernels;
    private final WorkerPool workers;
    private final Map<WeightFormat, ProductMemory> packed = new EnumMap<>(WeightFormat.class);
    /** One for each worker: products are calculated one call at a time. */
    private final ProductMemory[] scratch;

    /**
     * Creates the products of a model.
     *
     * @param kernels what widens weights
     * @param workers threads of a parallel region
     */
    public BlasProducts(BlasLibrary library, ProductKernels kernels, WorkerPool workers) {
        this.library = library;
        this.blockInputs = BlasBlock.inputs(library);
        this.kernels = kernels;
        this.workers = workers;
        this.scratch = ProductMemory.ofThreads(workers.threads());
    }

    @Override
    public String description() {
        return library.description();
    }

    @Override
    public Set<WeightFormat> formats() {
        return EnumSet.allOf(WeightFormat.class);
    }

    /** Inputs in the order of a format's lanes, padded with zeros to whole rows and whole blocks. */
    private record Inputs(MemorySegment memory, int stride) {
        Matrix from(int first) {
            return new Matrix(memory, (long) first * stride, stride);
        }
    }

    @Override
    public void multiply(Rows input, List<Product> products) {
        Map<WeightFormat, Inputs> inputs = new EnumMap<>(WeightFormat.class);
        int tasks = 0;
        for (Product product : products) {
            KernelProducts.requireFits(input, product);
            inputs.computeIfAbsent(ProductKernels.packing(product.weight().format()), format -> pack(format, input));
            tasks += Math.ceilDiv(product.rows(), ROWS);
        }
        workers.run(tasks, (task, worker) -> {
            Product product = KernelProducts.part(products, ROWS, task);
            Inputs packedInput = Objects.requireNonNull(inputs.get(ProductKernels.packing(product.weight().format())));
            multiply(packedInput, input.count(), product, scratch[worker]);
        });
    }

    private Inputs pack(WeightFormat format, Rows input) {
        int stride = Math.toIntExact(kernels.packedLength(format, input.columns(), 1));
        int blocks = Math.ceilDiv(input.count(), blockInputs);
        MemorySegment out = packed.computeIfAbsent(format, _ -> new ProductMemory())
                .floats((long) blocks * blockInputs * stride);
        workers.run(input.count(), (row, worker) -> kernels.pack(format, input, row, 1, 1, out, (long) row * stride));
        clear(out, (long) input.count() * stride, (long) blocks * blockInputs * stride);
        return new Inputs(out, stride);
    }

    /** Multiplies all inputs with at most {@link #ROWS} rows of a weight. */
    private void multiply(Inputs inputs, int count, Product product, ProductMemory own) {
        Weight weight = product.weight();
        Rows result = product.result();
        int inner = isReadAsStored(weight) ? weight.columns() : inputs.stride;
        long panelAt = (long) ROWS * inner;
        long scratchAt = panelAt
                + Math.max(kernels.panelLength(weight.format(), weight.columns()), (long) blockInputs * ROWS);
        MemorySegment memory = own.floats(scratchAt + kernels.scratchLength(weight.format(), weight.columns()));
        Matrix rows = rows(product, inner, memory, panelAt, memory.asSlice(scratchAt * Float.BYTES));
        Matrix part = new Matrix(memory, panelAt, ROWS); // the panel is done with
        for (int first = 0; first < count; first += blockInputs) {
            Matrix block = inputs.from(first);
            int wanted = Math.min(blockInputs, count - first);
            if (wanted == blockInputs && product.rows() == ROWS) {
                library.multiply(blockInputs, ROWS, inner, block, rows,
                        new Matrix(result.memory(), result.at(first) + product.firstRow(), result.columns()));
            } else {
                library.multiply(blockInputs, ROWS, inner, block, rows, part);
                for (int row = 0; row < wanted; row++) {
                    copy(memory, panelAt + (long) row * ROWS, result.memory(),
                            result.at(first + row) + product.firstRow(), product.rows());
                }
            }
        }
    }

    /** A library may want floats to lie where floats do; in files they may begin at any byte. */
    private static boolean isReadAsStored(Weight weight) {
        return weight.format() == WeightFormat.F32 && weight.data().address() % Float.BYTES == 0;
    }

    /** Returns the rows of a weight, in scratch memory unless they can be read as they lie. */
    private Matrix rows(Product product, int inner, MemorySegment memory, long panelAt, MemorySegment own) {
        Weight weight = product.weight();
        if (!isReadAsStored(weight)) {
            for (int row = 0; row < product.rows(); row += PANEL_ROWS) {
                int count = Math.min(PANEL_ROWS, product.rows() - row);
                kernels.widen(weight, product.firstRow() + row, count, memory, panelAt, own);
                unpack(memory, panelAt, (long) row * inner, count, inner);
            }
        } else if (product.rows() == ROWS) {
            return new Matrix(weight.data(), (long) product.firstRow() * inner, inner);
        } else {
            copy(weight.data(), (long) product.firstRow() * inner, memory, 0, (long) product.rows() * inner);
        }
        clear(memory, (long) product.rows() * inner, (long) ROWS * inner);
        return new Matrix(memory, 0, inner);
    }

    /** Copies the vectors of some rows of a panel, where each stands between those of other rows, to one row each. */
    private void unpack(MemorySegment memory, long panelAt, long to, int rows, int inner) {
        int lanes = kernels.lanes();
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < inner; column += lanes) {
                copy(memory, panelAt + (long) column * PANEL_ROWS + (long) row * lanes, memory,
                        to + (long) row * inner + column, lanes);
            }
        }
    }

    private static void copy(MemorySegment from, long fromOffset, MemorySegment to, long toOffset, long count) {
        MemorySegment.copy(from, fromOffset * Float.BYTES, to, toOffset * Float.BYTES, count * Float.BYTES);
    }

    private static void clear(MemorySegment memory, long from, long end) {
        memory.asSlice(from * Float.BYTES, (end - from) * Float.BYTES).fill((byte) 0);
    }

    @Override
    public void close() {
        packed.values().forEach(ProductMemory::close);
        for (ProductMemory own : scratch) {
            own.close();
        }
    }
}
