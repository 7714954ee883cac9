// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.product;

import java.lang.foreign.MemorySegment;

import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightFormat;

import static io.github.chaijlama.kernel.VectorMemory.LANES;
import static io.github.chaijlama.kernel.VectorMemory.at;
import static io.github.chaijlama.kernel.VectorMemory.atFloat;
import static io.github.chaijlama.product.ProductKernels.GROUP;
import static io.github.chaijlama.product.VectorProductKernels.MOST_ROWS;

/**
 * A weight as the loops of its format read it: rows of whole blocks from where they lie, others as a copy with zeros
 * after it.
 */
final class VectorWeight {
    /** Places in the scratch memory, in floats: sums, copies of rows, and their factors. */
    private static final long SUMS = 0;
    private static final long COPIES = (MOST_ROWS + 16L) * LANES;

    private final WeightFormat format;
    private final MemorySegment data;
    private final MemorySegment factors;
    private final MemorySegment scratch;
    private final long rowBytes;
    private final long factorBytes;
    private final int vectors;
    private final boolean padded;
    private final int columns;

    VectorWeight(Weight weight, MemorySegment scratch) {
        this.format = weight.format();
        this.data = weight.data();
        this.factors = weight.factors();
        this.scratch = scratch;
        this.columns = weight.columns();
        int block = VectorProductKernels.blockColumns(format);
        this.rowBytes = format.bytes(columns);
        this.factorBytes = format.isQuantized() ? (long) columns / Weight.BLOCK * Float.BYTES : 0;
        this.vectors = Math.ceilDiv(columns, block) * (block / LANES);
        this.padded = isPadded(format, columns);
    }

    /** Returns the floats of scratch memory for rows of so many columns. */
    static long scratch(WeightFormat format, int columns) {
        return isPadded(format, columns) ? COPIES + 2L * GROUP * copyLength(columns) : COPIES;
    }

    private static boolean isPadded(WeightFormat format, int columns) {
        return columns % VectorProductKernels.blockColumns(format) != 0;
    }

    private static long copyLength(int columns) {
        return columns + 128L;
    }

    /** Returns the rows that {@link #multiplyOne} reads side by side. */
    int streams() {
        return switch (format) {
            case F32 -> VectorF32Products.STREAMS;
            case BF16 -> VectorBf16Products.STREAMS;
            case F16 -> VectorF16Products.STREAMS;
            case I8 -> VectorI8Products.STREAMS;
            case F8 -> VectorF8Products.STREAMS;
            case Q4 -> VectorQ4Products.STREAMS;
        };
    }

    /** Returns the memory in which products leave their sums. */
    MemorySegment sums() {
        return scratch;
    }

    /** Returns the place of the first vector of sums. */
    long sumsAt() {
        return atFloat(scratch, SUMS);
    }

    /**
     * Multiplies one input with rows {@code row}, {@code row + distance}, ...; vectors of sums, one for each, are from
     * number {@code sum} on in {@link #sums} then.
     */
    void multiplyOne(int row, int distance, MemorySegment in, long inAt, int sum) {
        if (padded) {
            for (int stream = 0; stream < streams(); stream++) {
                copy(row + stream * distance, stream);
            }
            one(scratch, copyAt(0), copyAt(1) - copyAt(0), scratch, factorsCopyAt(0),
                    factorsCopyAt(1) - factorsCopyAt(0), in, inAt, sumAt(sum));
        } else {
            one(data, at(data, row * rowBytes), distance * rowBytes, factors, at(factors, row * factorBytes),
                    distance * factorBytes, in, inAt, sumAt(sum));
        }
    }

    /**
     * Multiplies a pair of inputs with rows {@code row} and {@code row + distance}; vectors of sums,
     * {@code (row, input)}, are from number {@code sum} on then.
     */
    void multiplyPair(int row, int distance, MemorySegment in, long inAt, int sum) {
        if (padded) {
            copy(row, 0);
            copy(row + distance, 1);
            pair(scratch, copyAt(0), copyAt(1) - copyAt(0), scratch, factorsCopyAt(0),
                    factorsCopyAt(1) - factorsCopyAt(0), in, inAt, sumAt(sum));
        } else {
            pair(data, at(data, row * rowBytes), distance * rowBytes, factors, at(factors, row * factorBytes),
                    distance * factorBytes, in, inAt, sumAt(sum));
        }
    }

    /** Returns the rows that {@link #multiplyGroup} multiplies at once. */
    int groupRows() {
        return format == WeightFormat.Q4 ? 2 : 1;
    }

    /**
     * Multiplies a group of inputs with {@link #groupRows} rows, {@code row} and {@code row + distance}; vectors of
     * sums, one for each row and input, are from {@code sum} on then.
     */
    void multiplyGroup(int row, int distance, MemorySegment in, long inAt, int sum) {
        if (padded) {
            for (int i = 0; i < groupRows(); i++) {
                copy(row + i * distance, i);
            }
            group(scratch, copyAt(0), copyAt(1) - copyAt(0), scratch, factorsCopyAt(0),
                    factorsCopyAt(1) - factorsCopyAt(0), in, inAt, sumAt(sum));
        } else {
            group(data, at(data, row * rowBytes), distance * rowBytes, factors, at(factors, row * factorBytes),
                    distance * factorBytes, in, inAt, sumAt(sum));
        }
    }

    /**
     * Widens a row.
     *
     * @param to place of its first vector in the panel
     */
    void widen(int row, MemorySegment panel, long to) {
        if (padded) {
            copy(row, 0);
            widen(scratch, copyAt(0), scratch, factorsCopyAt(0), panel, to);
        } else {
            widen(data, at(data, row * rowBytes), factors, at(factors, row * factorBytes), panel, to);
        }
    }

    private long sumAt(int sum) {
        return atFloat(scratch, SUMS + (long) sum * LANES);
    }

    private long copyOffset(int place) {
        return COPIES + place * copyLength(columns);
    }

    private long copyAt(int place) {
        return atFloat(scratch, copyOffset(place));
    }

    private long factorsCopyAt(int place) {
        return atFloat(scratch, copyOffset(GROUP + place));
    }

    private void copy(int row, int place) {
        copy(data, row * rowBytes, rowBytes, copyOffset(place) * Float.BYTES, format.bytes((long) vectors * LANES));
        if (format.isQuantized()) {
            copy(factors, row * factorBytes, factorBytes, copyOffset(GROUP + place) * Float.BYTES,
                    (long) vectors * LANES / Weight.BLOCK * Float.BYTES);
        }
    }

    private void copy(MemorySegment from, long offset, long bytes, long to, long paddedBytes) {
        MemorySegment.copy(from, offset, scratch, to, bytes);
        scratch.asSlice(to + bytes, paddedBytes - bytes).fill((byte) 0);
    }

    private void one(MemorySegment from, long first, long stride, MemorySegment scales, long firstScales,
            long scaleStride, MemorySegment in, long inAt, long sums) {
        switch (format) {
            case F32 -> VectorF32Products.one(from, first, stride, in, inAt, vectors, scratch, sums);
            case BF16 -> VectorBf16Products.one(from, first, stride, in, inAt, vectors, scratch, sums);
            case F16 -> VectorF16Products.one(from, first, stride, in, inAt, vectors, scratch, sums);
            case I8 -> VectorI8Products.one(from, first, stride, scales, firstScales, scaleStride, in, inAt, vectors,
                    scratch, sums);
            case F8 -> VectorF8Products.one(from, first, stride, scales, firstScales, scaleStride, in, inAt, vectors,
                    scratch, sums);
            case Q4 -> VectorQ4Products.one(from, first, stride, scales, firstScales, scaleStride, in, inAt, vectors,
                    scratch, sums);
        }
    }

    private void pair(MemorySegment from, long first, long stride, MemorySegment scales, long firstScales,
            long scaleStride, MemorySegment in, long inAt, long sums) {
        switch (format) {
            case F32 -> VectorF32Products.pair(from, first, stride, in, inAt, vectors, scratch, sums);
            case BF16 -> VectorBf16Products.pair(from, first, stride, in, inAt, vectors, scratch, sums);
            case F16 -> VectorF16Products.pair(from, first, stride, in, inAt, vectors, scratch, sums);
            case I8 -> VectorI8Products.pair(from, first, stride, scales, firstScales, scaleStride, in, inAt, vectors,
                    scratch, sums);
            case F8 -> VectorF8Products.pair(from, first, stride, scales, firstScales, scaleStride, in, inAt, vectors,
                    scratch, sums);
            case Q4 -> VectorQ4Products.pair(from, first, stride, scales, firstScales, scaleStride, in, inAt, vectors,
                    scratch, sums);
        }
    }

    private void group(MemorySegment from, long first, long stride, MemorySegment scales, long firstScales,
            long scaleStride, MemorySegment in, long inAt, long sums) {
        switch (format) {
            case F32 -> VectorF32Products.group(from, first, in, inAt, vectors, scratch, sums);
            case BF16 -> VectorBf16Products.group(from, first, in, inAt, vectors, scratch, sums);
            case F16 -> VectorF16Products.group(from, first, in, inAt, vectors, scratch, sums);
            case I8 -> VectorI8Products.group(from, first, scales, firstScales, in, inAt, vectors, scratch, sums);
            case F8 -> VectorF8Products.group(from, first, scales, firstScales, in, inAt, vectors, scratch, sums);
            case Q4 -> VectorQ4Products.group(from, first, stride, scales, firstScales, scaleStride, in, inAt, vectors,
                    scratch, sums);
        }
    }

    private void widen(MemorySegment from, long first, MemorySegment scales, long firstScales, MemorySegment panel,
            long to) {
        switch (format) {
            case F32 -> VectorF32Products.widen(from, first, vectors, panel, to);
            case BF16 -> VectorBf16Products.widen(from, first, vectors, panel, to);
            case F16 -> VectorF16Products.widen(from, first, vectors, panel, to);
            case I8 -> VectorI8Products.widen(from, first, scales, firstScales, vectors, panel, to);
            case F8 -> VectorF8Products.widen(from, first, scales, firstScales, vectors, panel, to);
            case Q4 -> VectorQ4Products.widen(from, first, scales, firstScales, vectors, panel, to);
        }
    }
}
