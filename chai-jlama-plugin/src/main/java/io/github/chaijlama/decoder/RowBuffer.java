// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import io.github.chaijlama.kernel.Rows;

/** Scratch memory for the rows of a step; grows to the largest. Not thread-safe. */
final class RowBuffer implements AutoCloseable {
    private static final long ALIGNMENT = 64;

    private Arena arena = Arena.ofShared();
    private MemorySegment memory = MemorySegment.NULL;
    private Rows last = new Rows(MemorySegment.NULL, 0, 1);

    /** Returns rows whose contents are undefined; those returned before become invalid. */
    @SuppressWarnings("MustBeClosedChecker") // close() does, or the next larger one
    Rows rows(int count, int columns) {
        if (last.count() != count || last.columns() != columns) {
            long bytes = (long) count * columns * Float.BYTES;
            if (bytes > memory.byteSize()) {
                Arena larger = Arena.ofShared();
                memory = larger.allocate(bytes, ALIGNMENT);
                arena.close();
                arena = larger;
            }
            last = new Rows(memory.asSlice(0, bytes), count, columns);
        }
        return last;
    }

    @Override
    public void close() {
        arena.close();
    }
}
