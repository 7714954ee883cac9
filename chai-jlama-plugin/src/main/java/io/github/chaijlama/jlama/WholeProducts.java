// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import java.util.stream.Collectors;

import com.github.tjake.jlama.tensor.operations.TensorOperations;

import io.github.chaijlama.jlama.ProductTensors.Part;
import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.product.MatrixProducts.Product;
import io.github.chaijlama.weight.Weight;

/**
 * Products for operators that want them whole, as a GPU's do. What {@code NativeGPUTensorOperations} of Jlama's
 * development version (commit 7b8ba42) needs, read from its source:
 *
 * <ul>
 * <li>Every product begins with the first row of its weight. Of one that begins further on it reads its result from
 * other columns than it was written to. So products of some rows are calculated with all rows, and what was asked for
 * is copied out.
 * <li>Input and result are at most 16 MiB each. So many inputs are given in several calls; a weight is never cut,
 * unless no tensor holds it.
 * <li>Every thread that calls gets memory of its own on the GPU, which is never given back. So all calls come from one
 * thread, whichever feeds the model.
 * </ul>
 */
final class WholeProducts implements AutoCloseable {
    /** Most bytes of an input and of a result. */
    private static final long MOST_BYTES = 1 << 24;

    private final TensorOperations operations;
    private final ProductTensors tensors;
    private final ExecutorService thread = Executors
            .newSingleThreadExecutor(Thread.ofPlatform().daemon().name("chai-jlama-operators").factory());
    private Arena scratchArena = Arena.ofShared();
    private MemorySegment scratch = MemorySegment.NULL;

    WholeProducts(TensorOperations operations, ProductTensors tensors) {
        this.operations = operations;
        this.tensors = tensors;
    }

    /** Returns what a task that calls the operators gives. */
    <T> T call(Supplier<T> task) {
        try {
            // Not to be interrupted: whoever went on would free the memory that is being read.
            return CompletableFuture.supplyAsync(task, thread).join();
        } catch (CompletionException e) {
            switch (e.getCause()) {
                case RuntimeException cause -> throw cause;
                case Error cause -> throw cause;
                case null, default -> throw e;
            }
        }
    }

    /** Calculates products of one input, see {@link io.github.chaijlama.product.MatrixProducts#multiply}. */
    void multiply(Rows input, List<Product> products) {
        // Several ranges of one weight's rows are one product.
        IdentityHashMap<Weight, List<Product>> ofWeight = products.stream()
                .collect(Collectors.groupingBy(Product::weight, IdentityHashMap::new, Collectors.toList()));
        call(() -> {
            ofWeight.forEach((weight, wanted) -> tensors.parts(weight).stream()
                    .filter(part -> wanted.stream().anyMatch(product -> touches(product, part)))
                    .forEach(part -> multiply(input, part, wanted)));
            return null;
        });
    }

    private static boolean touches(Product product, Part part) {
        return product.firstRow() < part.end() && product.firstRow() + product.rows() > part.firstRow();
    }

    private void multiply(Rows input, Part part, List<Product> products) {
        int columns = Math.max(input.columns(), part.weight().rows());
        int most = (int) Math.max(1, MOST_BYTES / Float.BYTES / columns);
        for (int row = 0; row < input.count(); row += most) {
            int first = row;
            int count = Math.min(most, input.count() - row);
            Rows in = input.rows(first, count);
            if (products.size() == 1 && isAllOf(products.getFirst(), part)) {
                calculate(in, products.getFirst().result().rows(first, count), part.weight());
            } else {
                Rows all = new Rows(scratch(count, part.weight().rows()), count, part.weight().rows());
                calculate(in, all, part.weight());
                products.stream().filter(product -> touches(product, part))
                        .forEach(product -> copy(all, product.result().rows(first, count), product, part));
            }
        }
    }

    /** Whether a product can be calculated where its result belongs. */
    private static boolean isAllOf(Product product, Part part) {
        return part.firstRow() == 0 && product.firstRow() == 0 && product.rows() == part.weight().rows()
                && product.result().columns() == product.rows();
    }

    private void calculate(Rows input, Rows result, Weight weight) {
        operations.dotProductChunk(JlamaTensors.of(result), JlamaTensors.of(input), tensors.of(weight), 0,
                input.columns(), 0, weight.rows());
    }

    private static void copy(Rows all, Rows result, Product product, Part part) {
        int from = Math.max(product.firstRow(), part.firstRow());
        int to = Math.min(product.firstRow() + product.rows(), part.end());
        for (int row = 0; row < all.count(); row++) {
            MemorySegment.copy(all.memory(), (all.at(row) + from - part.firstRow()) * Float.BYTES, result.memory(),
                    (result.at(row) + from) * Float.BYTES, (long) (to - from) * Float.BYTES);
        }
    }

    @SuppressWarnings("MustBeClosedChecker") // close() does, or the next larger one
    private MemorySegment scratch(int rows, int columns) {
        long bytes = (long) rows * columns * Float.BYTES;
        if (bytes > scratch.byteSize()) {
            Arena larger = Arena.ofShared();
            scratch = larger.allocate(bytes, Long.BYTES);
            scratchArena.close();
            scratchArena = larger;
        }
        return scratch.asSlice(0, bytes);
    }

    @Override
    public void close() {
        thread.close();
        if (scratchArena.scope().isAlive()) {
            scratchArena.close();
        }
    }
}
