// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.product;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Memory that grows to the largest that was asked for. Not thread-safe, but for closing. */
final class ProductMemory implements AutoCloseable {
    private static final long ALIGNMENT = 64;

    private Arena arena = Arena.ofShared();
    private MemorySegment memory = MemorySegment.NULL;

    /** Returns one for each thread. */
    static ProductMemory[] ofThreads(int threads) {
        ProductMemory[] each = new ProductMemory[threads];
        Arrays.setAll(each, _ -> new ProductMemory());
        return each;
    }

    /** Returns at least so many floats, whose contents are undefined; what was returned before becomes invalid. */
    @SuppressWarnings("MustBeClosedChecker") // close() does, or the next larger one
    MemorySegment floats(long count) {
        long bytes = count * Float.BYTES;
        if (bytes > memory.byteSize()) {
            Arena larger = Arena.ofShared();
            memory = larger.allocate(bytes, ALIGNMENT);
            arena.close();
            arena = larger;
        }
        return memory;
    }

    /** Frees the memory, once; several may do it at the same time. */
    @Override
    public synchronized void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
