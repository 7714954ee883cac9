// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;

import com.github.tjake.jlama.safetensors.DType;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

/** Converts weights into memory outside the heap, rows in parallel. */
final class WeightConverter {
    private static final int BLOCK = StoredWeight.BLOCK;
    private static final int TASK_VALUES = 1 << 16;
    private static final long ALIGNMENT = 64;

    private final Arena arena;

    /** Creates a converter; what it makes is freed with the arena, which must allow access from any thread. */
    WeightConverter(Arena arena) {
        this.arena = arena;
    }

    /**
     * Converts a weight; to F32 exactly.
     *
     * @param type F32, or Q4 where rows are a multiple of {@value StoredWeight#BLOCK} values
     * @throws ModelLoadException if there is no memory for it, or Q4 cannot hold it
     */
    StoredWeight convert(StoredWeight weight, DType type) {
        return switch (type) {
            case F32 -> toFloats(weight);
            case Q4 -> toQ4(weight);
            default -> throw new IllegalArgumentException("cannot convert weights to " + type);
        };
    }

    private StoredWeight toFloats(StoredWeight weight) {
        long bytes = weight.size() * Float.BYTES;
        if (bytes > Integer.MAX_VALUE) {
            throw new ModelLoadException("tensor " + weight.name() + " of type " + weight.type() + " takes " + bytes
                    + " bytes as F32, Jlama's tensors hold at most " + Integer.MAX_VALUE);
        }
        MemorySegment out = allocate(weight, bytes);
        RowDecoder decoder = RowDecoder.of(weight);
        int columns = weight.columns();
        forRows(weight, (first, end) -> {
            MemorySegment values = MemorySegment.ofArray(new float[columns]);
            for (int row = first; row < end; row++) {
                decoder.decode(row, values, 0);
                MemorySegment.copy(values, 0, out, (long) row * columns * Float.BYTES, values.byteSize());
            }
        });
        return new StoredWeight(weight.name(), DType.F32, weight.shape(), out, null);
    }

    private StoredWeight toQ4(StoredWeight weight) {
        int columns = weight.columns();
        if (columns % BLOCK != 0) {
            throw new ModelLoadException("tensor " + weight.name() + " has rows of " + columns
                    + " values, Q4 needs a multiple of " + BLOCK);
        }
        MemorySegment out = allocate(weight, weight.size() / 2);
        MemorySegment factors = allocate(weight, weight.size() / BLOCK * Float.BYTES);
        RowDecoder decoder = RowDecoder.of(weight);
        AtomicBoolean finite = new AtomicBoolean(true);
        forRows(weight, (first, end) -> {
            float[] values = new float[columns];
            for (int row = first; row < end; row++) {
                decoder.decode(row, MemorySegment.ofArray(values), 0);
                for (int i = 0; i < columns; i += BLOCK) {
                    if (!quantizeBlock(values, i, out, factors, ((long) row * columns + i) / BLOCK)) {
                        finite.set(false);
                    }
                }
            }
        });
        if (!finite.get()) {
            // Four bits cannot tell: without this a broken model would speak, and nonsense.
            throw new ModelLoadException("tensor " + weight.name() + " holds values that are not finite numbers");
        }
        return new StoredWeight(weight.name(), DType.Q4, weight.shape(), out, factors);
    }

    /**
     * Quantizes a block so that the value farthest from 0 becomes -8, exactly, and the others the nearest of -8 to 7.
     *
     * @param block number of the block in the tensor
     * @return whether all values are finite numbers
     */
    private static boolean quantizeBlock(float[] values, int from, MemorySegment out, MemorySegment factors,
            long block) {
        float farthest = 0;
        for (int i = from; i < from + BLOCK; i++) {
            if (!Float.isFinite(values[i])) {
                return false;
            }
            farthest = Math.abs(values[i]) > Math.abs(farthest) ? values[i] : farthest;
        }
        float factor = farthest / -8;
        float inverse = 1 / factor;
        if (!Float.isFinite(inverse)) { // all 0, or as good as that
            factor = 0;
            inverse = 0;
        }
        factors.setAtIndex(JAVA_FLOAT, block, factor);
        for (int i = 0; i < BLOCK / 2; i++) {
            int low = nibble(values[from + i] * inverse);
            int high = nibble(values[from + i + BLOCK / 2] * inverse);
            out.set(JAVA_BYTE, block * (BLOCK / 2) + i, (byte) (high << 4 | low));
        }
        return true;
    }

    private static int nibble(float value) {
        return Math.min(15, (int) (value + 8.5f));
    }

    private MemorySegment allocate(StoredWeight weight, long bytes) {
        if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
            throw new ModelLoadException("weights can be converted on little endian machines only");
        }
        try {
            return arena.allocate(bytes, ALIGNMENT);
        } catch (OutOfMemoryError e) {
            throw new ModelLoadException("there is no memory for the " + bytes + " bytes that tensor " + weight.name()
                    + " of type " + weight.type() + " is converted to", e);
        }
    }

    private interface RowRange {
        void run(int first, int end);
    }

    private static void forRows(StoredWeight weight, RowRange work) {
        int rows = weight.rows();
        int rowsOfTask = Math.max(1, TASK_VALUES / Math.max(1, weight.columns()));
        IntStream.range(0, Math.ceilDiv(rows, rowsOfTask)).parallel().forEach(task -> {
            int first = task * rowsOfTask;
            work.run(first, Math.min(rows, first + rowsOfTask));
        });
    }
}
