// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.function.LongConsumer;

import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.model.TensorPart;
import io.github.chaijlama.parallel.WorkerPool;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

/** Converts weights into memory outside the heap, rows in parallel. Thread-safe. */
final class WeightConverter {
    private static final int BLOCK = Weight.BLOCK;
    private static final long ALIGNMENT = 64;

    private final Arena arena;
    private final RowConverter rowConverter;

    /**
     * Creates a converter.
     *
     * @param arena   what is made is freed with it; must allow access from any thread
     * @param workers share the work
     */
    WeightConverter(Arena arena, WorkerPool workers) {
        this.arena = arena;
        this.rowConverter = new RowConverter(workers);
    }

    /**
     * Converts a weight; to F32 exactly.
     *
     * @param format F32, or Q4 or I8 where rows are a multiple of {@value Weight#BLOCK} values
     * @param done   told of the number of values after each piece of work
     * @throws ModelLoadException if there is no memory for it, or the format cannot hold it
     */
    Weight convert(Weight weight, WeightFormat format, LongConsumer done) {
        requireBlocks(weight, format);
        int columns = weight.columns();
        MemorySegment data = allocate(weight, format.bytes(weight.size()));
        MemorySegment factors = format.isQuantized() ? allocate(weight, weight.size() / BLOCK * Float.BYTES)
                : MemorySegment.NULL;
        Weight converted = new Weight(weight.name(), format, weight.rows(), columns, data, factors);
        int step = RowConverter.rowsAtATime(columns);
        for (int row = 0; row < weight.rows(); row += step) {
            int count = Math.min(step, weight.rows() - row);
            rowConverter.convert(weight.rows(row, count), converted.rows(row, count));
            done.accept((long) count * columns);
        }
        return converted;
    }

    /**
     * Converts rows that are packed; exactly to their format. To other formats by way of it, a part at a time.
     *
     * @param done told of the number of values after each piece of work
     * @throws ModelLoadException if there is no memory for it, or something is not a number
     */
    Weight unpack(PackedTensor packed, TensorPart part, WeightFormat format, LongConsumer done) {
        if (format == packed.format()) {
            Weight exact = packed.unpack(part, arena, rowConverter);
            done.accept(exact.size());
            return exact;
        }
        try (Arena passing = Arena.ofShared()) {
            return convert(packed.unpack(part, passing, rowConverter), format, done);
        }
    }

    /**
     * Checks that rows can be cut into the blocks of a format.
     *
     * @throws ModelLoadException if they cannot
     */
    static void requireBlocks(Weight weight, WeightFormat format) {
        if (format.isQuantized() && weight.columns() % BLOCK != 0) {
            throw new ModelLoadException("tensor " + weight.name() + " has rows of " + weight.columns() + " values, "
                    + format + " needs a multiple of " + BLOCK);
        }
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
        rowConverter.forRows(slice, (first, end) -> {
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

    /**
     * Copies the rows that make a weight out of a slice of a tensor, as they are stored.
     *
     * @param slice the whole slice, {@code (height, width)}
     * @throws ModelLoadException if there is no memory for it
     */
    Weight gatherRows(Weight slice, TensorPart part) {
        int columns = part.columns();
        long bytes = slice.format().bytes(columns);
        long factorBytes = slice.format().isQuantized() ? (long) columns / BLOCK * Float.BYTES : 0;
        MemorySegment data = allocate(slice, part.rows() * bytes);
        MemorySegment factors = factorBytes > 0 ? allocate(slice, part.rows() * factorBytes) : MemorySegment.NULL;
        for (int row = 0; row < part.rows(); row++) {
            long from = (long) part.first() + (long) row * part.step();
            MemorySegment.copy(slice.data(), from * bytes, data, row * bytes, bytes);
            MemorySegment.copy(slice.factors(), from * factorBytes, factors, row * factorBytes, factorBytes);
        }
        return new Weight(slice.name(), slice.format(), part.rows(), columns, data, factors);
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
}
