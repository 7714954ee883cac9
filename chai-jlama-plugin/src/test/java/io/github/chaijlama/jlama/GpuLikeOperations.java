// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.operations.TensorOperations;
import com.github.tjake.jlama.tensor.operations.TensorOperationsProvider;

/**
 * Operators with the demands of {@code NativeGPUTensorOperations} in Jlama's development version, for machines without
 * a GPU: what is demanded is recorded or refused, and the rest is left to the operators of this machine. These get one
 * input row at a time, since they leave corners of several out. It extends what Jlama 0.8.4 has; registering is in no
 * interface there.
 */
@SuppressWarnings("rawtypes")
public final class GpuLikeOperations implements TensorOperations {
    private static final long SCRATCH_BYTES = 1 << 24;

    private final TensorOperations delegate = TensorOperationsProvider.get();
    private final List<AbstractTensor> registered = new ArrayList<>();
    private final Set<AbstractTensor> known = Collections.newSetFromMap(new IdentityHashMap<>());
    private final List<Product> products = new ArrayList<>();
    private final Set<Thread> threads = new HashSet<>();

    /** A product that was asked for. */
    record Product(AbstractTensor weight, int inputs, int columnOffset, int columns, int resultOffset, int firstRow,
            int rows) {}

    List<AbstractTensor> registered() {
        return registered;
    }

    List<Product> products() {
        return products;
    }

    /** Returns every thread that called. */
    Set<Thread> threads() {
        return threads;
    }

    /** What the development version's interface has, and 0.8.4's has not. */
    public void registerModelTensor(AbstractTensor tensor) {
        threads.add(Thread.currentThread());
        registered.add(tensor);
        known.add(tensor);
    }

    @Override
    public String name() {
        return "GPU-like operations";
    }

    @Override
    public int parallelSplitSize() {
        return 1;
    }

    @Override
    public void batchDotProduct(AbstractTensor result, AbstractTensor a, AbstractTensor b, int aColumnOffset,
            int bColumnOffset, int columnLimit, int rRowOffset, int bRowOffset, int rowChunkSize) {
        threads.add(Thread.currentThread());
        int inputs = a.shape().first();
        // What is not on the GPU is left to other operators, which is what asks them for their formats.
        if (known.contains(b)) {
            if (aColumnOffset != bColumnOffset) {
                throw new IllegalArgumentException("columns from " + aColumnOffset + " and " + bColumnOffset);
            }
            products.add(new Product(b, inputs, aColumnOffset, columnLimit, rRowOffset, bRowOffset, rowChunkSize));
            requireScratch(a);
            requireScratch(result);
        } else if (b.shape().first() > 1) {
            throw new IllegalStateException("not registered: " + b);
        }
        for (int row = 0; row < inputs; row++) {
            delegate.batchDotProduct(inputs == 1 ? result : result.slice(row), inputs == 1 ? a : a.slice(row), b,
                    aColumnOffset, bColumnOffset, columnLimit, rRowOffset, bRowOffset, rowChunkSize);
        }
    }

    private static void requireScratch(AbstractTensor tensor) {
        long bytes = tensor.size() * Float.BYTES;
        if (bytes > SCRATCH_BYTES) {
            throw new IllegalArgumentException("scratch is too small: " + bytes + " > " + SCRATCH_BYTES);
        }
    }

    @Override
    public void accumulate(AbstractTensor a, AbstractTensor b, int offset, int length) {
        throw new UnsupportedOperationException("not a product");
    }

    @Override
    public void maccumulate(AbstractTensor a, AbstractTensor b, int offset, int length) {
        throw new UnsupportedOperationException("not a product");
    }

    @Override
    public void saxpy(float alpha, AbstractTensor x, AbstractTensor y, int xoffset, int yoffset, int limit) {
        throw new UnsupportedOperationException("not a product");
    }

    @Override
    public void scale(float factor, AbstractTensor x, int offset, int length) {
        throw new UnsupportedOperationException("not a product");
    }

    @Override
    public AbstractTensor quantize(AbstractTensor t, DType qtype, int offset, int length) {
        throw new UnsupportedOperationException("not a product");
    }
}
