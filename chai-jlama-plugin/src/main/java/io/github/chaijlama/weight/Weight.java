// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * A weight in memory: mapped from its file, converted, or a tensor of Jlama's. Rows are contiguous. A value of a
 * quantized format is its number times the factor of its block. Immutable; whoever made the memory frees it.
 *
 * @param name    where it comes from, for messages
 * @param format  how values are stored
 * @param rows    number of rows; 1 for a vector
 * @param columns values of a row, a multiple of {@value #BLOCK} in quantized formats
 * @param data    values, little endian
 * @param factors block factors of quantized formats, 32-bit floats, little endian, in the order of the blocks; empty in
 *                other formats
 */
public record Weight(String name, WeightFormat format, int rows, int columns, MemorySegment data,
        MemorySegment factors) {
    /** Values of a row that share a factor. */
    public static final int BLOCK = 32;

    public Weight {
        long values = (long) rows * columns;
        if (rows < 1 || columns < 1 || format.isQuantized() && columns % BLOCK != 0
                || data.byteSize() != format.bytes(values)
                || factors.byteSize() != (format.isQuantized() ? values / BLOCK * Float.BYTES : 0)) {
            throw new IllegalArgumentException(name + ": " + rows + " x " + columns + " values of " + format + " in "
                    + data.byteSize() + " bytes and " + factors.byteSize() + " bytes of factors");
        }
    }

    /** Creates a weight in a format without factors. */
    public Weight(String name, WeightFormat format, int rows, int columns, MemorySegment data) {
        this(name, format, rows, columns, data, MemorySegment.NULL);
    }

    /** Returns the number of its values. */
    public long size() {
        return (long) rows * columns;
    }

    /** Returns the bytes it takes, with its block factors. */
    public long bytes() {
        return data.byteSize() + factors.byteSize();
    }

    /** Returns some of its rows, on the same memory. */
    public Weight rows(int first, int count) {
        if (first == 0 && count == rows) {
            return this;
        }
        long from = (long) first * columns;
        long length = (long) count * columns;
        MemorySegment someFactors = format.isQuantized()
                ? factors.asSlice(from / BLOCK * Float.BYTES, length / BLOCK * Float.BYTES)
                : factors;
        return new Weight(name, format, count, columns, data.asSlice(format.bytes(from), format.bytes(length)),
                someFactors);
    }

    /**
     * Returns the values of a vector.
     *
     * @throws IllegalStateException if it is not of 32-bit floats
     */
    public float[] floats() {
        if (format != WeightFormat.F32) {
            throw new IllegalStateException(name + " is of type " + format);
        }
        return data.toArray(ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN));
    }
}
