// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;

import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.model.TensorPart;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

/** Converts weights into memory outside the heap, rows in parallel. */
final class WeightConverter {
    private static final int BLOCK = Weight.BLOCK;
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
     * @param format F32, or Q4 where rows are a multiple of {@value Weight#BLOCK} values
     * @throws ModelLoadException if there is no memory for it, or Q4 cannot hold it
     */
    Weight convert(Weight weight, WeightFormat format) {
        return switch (format) {
            case F32 -> toFloats(weight);
            case Q4 -> toQ4(weight);
            default -> throw new IllegalArgumentException("cannot convert weights to " + format);
        };
    }

    /**
     * Copies the rows that make a weight out of a slice of a tensor, in another order, as F32.
     *
     * @param slice the whole slice, {@code (height, width)}
     * @throws ModelLoadException if there is no memory for it
     */
    Weight gather(Weight slice, TensorPart part) {
        int rows = part.rows();
        int columns = part.columns();
        MemorySegment out = allocate(slice, (long) rows * columns * Float.BYTES);
        WeightRows decoder = new WeightRows(slice);
        int width = slice.columns();
        forRows(slice, (first, end) -> {
            MemorySegment values = MemorySegment.ofArray(new float[width]);
            for (int row = first; row < end; row++) {
                decoder.decode(row, values, 0);
                if (part.transposed()) {
                    for (int i = 0; i < rows; i++) {
                        float value = values.getAtIndex(JAVA_FLOAT_UNALIGNED, part.first() + i * part.step());
                        out.setAtIndex(JAVA_FLOAT, (long) i * columns + row, value);
                    }
                } else if (row >= part.first() && (row - part.first()) % part.step() == 0) {
                    long to = ((long) row - part.first()) / part.step();
                    if (to < rows) {
                        MemorySegment.copy(values, 0, out, to * columns * Float.BYTES, values.byteSize());
                    }
                }
            }
        });
        return new Weight(slice.name(), WeightFormat.F32, rows, columns, out);
    }

    private Weight toFloats(Weight weight) {
        long bytes = weight.size() * Float.BYTES;
        MemorySegment out = allocate(weight, bytes);
        WeightRows decoder = new WeightRows(weight);
        int columns = weight.columns();
        forRows(weight, (first, end) -> {
            MemorySegment values = MemorySegment.ofArray(new float[columns]);
            for (int row = first; row < end; row++) {
                decoder.decode(row, values, 0);
                MemorySegment.copy(values, 0, out, (long) row * columns * Float.BYTES, values.byteSize());
            }
        });
        return new Weight(weight.name(), WeightFormat.F32, weight.rows(), weight.columns(), out);
    }

    private Weight toQ4(Weight weight) {
        int columns = weight.columns();
        if (columns % BLOCK != 0) {
            throw new ModelLoadException("tensor " + weight.name() + " has rows of " + columns
                    + " values, Q4 needs a multiple of " + BLOCK);
        }
        MemorySegment out = allocate(weight, weight.size() / 2);
        MemorySegment factors = allocate(weight, weight.size() / BLOCK * Float.BYTES);
        WeightRows decoder = new WeightRows(weight);
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
        return new Weight(weight.name(), WeightFormat.Q4, weight.rows(), weight.columns(), out, factors);
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

    private MemorySegment allocate(Weight weight, long bytes) {
        if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
            throw new ModelLoadException("weights can be converted on little endian machines only");
        }
        try {
            return arena.allocate(bytes, ALIGNMENT);
        } catch (OutOfMemoryError e) {
            throw new ModelLoadException("there is no memory for the " + bytes + " bytes that tensor " + weight.name()
                    + " of type " + weight.format() + " is converted to", e);
        }
    }

    private interface RowRange {
        void run(int first, int end);
    }

    private static void forRows(Weight weight, RowRange work) {
        int rows = weight.rows();
        int rowsOfTask = Math.max(1, TASK_VALUES / Math.max(1, weight.columns()));
        IntStream.range(0, Math.ceilDiv(rows, rowsOfTask)).parallel().forEach(task -> {
            int first = task * rowsOfTask;
            work.run(first, Math.min(rows, first + rowsOfTask));
        });
    }
}
