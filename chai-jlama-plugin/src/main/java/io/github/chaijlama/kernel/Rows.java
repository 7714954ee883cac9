// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * Rows of 32-bit floats in native memory, one after the other: a step's rows on their way through the model. Whoever
 * made the memory frees it.
 *
 * @param memory  {@code (count, columns)}
 * @param count   number of rows
 * @param columns floats of a row
 */
public record Rows(MemorySegment memory, int count, int columns) {

    public Rows {
        Objects.checkFromIndexSize(0, (long) count * columns * Float.BYTES, memory.byteSize());
    }

    /** Returns some of the rows, on the same memory. */
    public Rows rows(int first, int newCount) {
        return first == 0 && newCount == count ? this
                : new Rows(memory.asSlice(at(first) * Float.BYTES, (long) newCount * columns * Float.BYTES), newCount,
                        columns);
    }

    /** Returns the offset of a row, in floats. */
    public long at(int row) {
        return (long) row * columns;
    }
}
