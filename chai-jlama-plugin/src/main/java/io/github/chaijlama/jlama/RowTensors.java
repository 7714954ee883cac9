// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;

import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.FloatBufferTensor;
import com.github.tjake.jlama.tensor.TensorShape;

/**
 * A reusable block of rows of floats that Jlama's operators can read and write: scratch memory of our own, because
 * Jlama's tensor cache keeps one tensor for every shape it ever saw. Grows to the largest batch. Not thread-safe.
 */
final class RowTensors implements AutoCloseable {
    private static final long ALIGNMENT = 64;

    private final int columns;
    private Arena arena = Arena.ofShared();
    private MemorySegment memory = MemorySegment.NULL;
    private AbstractTensor<?, ?> last;

    RowTensors(int columns) {
        this.columns = columns;
    }

    /** Returns a tensor {@code (rows, columns)}; its contents are undefined, and it is valid until the next call. */
    AbstractTensor<?, ?> tensor(int rows) {
        if (last == null || last.shape().first() != rows) {
            long bytes = (long) rows * columns * Float.BYTES;
            if (bytes > memory.byteSize()) {
                Arena larger = Arena.ofShared();
                memory = larger.allocate(bytes, ALIGNMENT);
                arena.close();
                arena = larger;
            }
            last = wrap(memory.asSlice(0, bytes), rows, columns);
        }
        return last;
    }

    /** Returns a view of some rows of a 32-bit float tensor. */
    static AbstractTensor<?, ?> view(AbstractTensor<?, ?> tensor, int firstRow, int rows) {
        if (firstRow == 0 && rows == tensor.shape().first()) {
            return tensor;
        }
        int columns = tensor.shape().last();
        long rowBytes = (long) columns * Float.BYTES;
        return wrap(tensor.getMemorySegment().asSlice(firstRow * rowBytes, rows * rowBytes), rows, columns);
    }

    private static AbstractTensor<?, ?> wrap(MemorySegment memory, int rows, int columns) {
        return new FloatBufferTensor("rows", memory.asByteBuffer().order(ByteOrder.nativeOrder()).asFloatBuffer(),
                TensorShape.of(rows, columns), false);
    }

    @Override
    public void close() {
        arena.close();
    }
}
