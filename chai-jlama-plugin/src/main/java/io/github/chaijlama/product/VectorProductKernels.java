// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.product;

import java.lang.foreign.MemorySegment;

import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.kernel.VectorMemory;
import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightFormat;

import static io.github.chaijlama.kernel.VectorMemory.LANES;
import static io.github.chaijlama.kernel.VectorMemory.PLACES;
import static io.github.chaijlama.kernel.VectorMemory.VECTOR_BYTES;
import static io.github.chaijlama.kernel.VectorMemory.at;
import static io.github.chaijlama.kernel.VectorMemory.atFloat;
import static io.github.chaijlama.kernel.VectorMemory.bytes;
import static io.github.chaijlama.kernel.VectorMemory.get;
import static io.github.chaijlama.kernel.VectorMemory.set;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

/**
 * Products with the Vector API. What a row has beyond its whole blocks is copied to where zeros follow it, so that the
 * loops know whole blocks only and nothing is read beyond a weight's end.
 */
final class VectorProductKernels extends ProductKernels {
    /** A mask for distances between rows that are read side by side: with it they are added by the load itself. */
    static final long OFFSETS = Integer.MAX_VALUE;
    /** Bytes of a chunk of columns, widened. */
    static final long CHUNK_BYTES = (long) CHUNK_COLUMNS * Float.BYTES;
    /** A vector of every input of a group. */
    static final long GROUP_BYTES = GROUP * VECTOR_BYTES;
    /** A vector of every row of a panel. */
    static final long PANEL_BYTES = PANEL_ROWS * VECTOR_BYTES;
    /** Rows that are read side by side lie within so many, far less than {@link #OFFSETS} apart. */
    private static final int MOST_ROWS = 48;
    private static final int BLOCK_COLUMNS = 64;
    /** With Q4, eight weights are in a lane. */
    private static final int Q4_COLUMNS = VectorQ4Products.WORD_VECTORS * LANES;

    @Override
    public String description() {
        return "Vector API, " + LANES * Float.SIZE + " bits";
    }

    @Override
    public int lanes() {
        return LANES;
    }

    /** Returns the columns that rows are padded to a multiple of. */
    static int blockColumns(WeightFormat format) {
        return format == WeightFormat.Q4 ? Q4_COLUMNS : BLOCK_COLUMNS;
    }

    @Override
    public int vectors(WeightFormat format, int columns) {
        int block = blockColumns(format);
        return Math.ceilDiv(columns, block) * (block / LANES);
    }

    @Override
    public long scratchLength(WeightFormat format, int columns) {
        return VectorWeight.scratch(format, columns);
    }

    @Override
    void doPack(WeightFormat format, Rows in, int firstRow, int count, int inputs, MemorySegment out,
            long outOffset) {
        int vectors = vectors(format, in.columns());
        for (int i = 0; i < inputs; i++) {
            long to = atFloat(out, outOffset) + i * VECTOR_BYTES;
            if (i >= count) {
                for (int v = 0; v < vectors; v++) {
                    VectorMemory.store(VectorMemory.zero(), out, to + (long) v * inputs * VECTOR_BYTES);
                }
            } else if (format == WeightFormat.Q4) {
                packNibbles(in, in.at(firstRow + i), vectors, out, to, inputs * VECTOR_BYTES);
            } else {
                packColumns(in, in.at(firstRow + i), vectors, out, to, inputs * VECTOR_BYTES);
            }
        }
    }

    private static void packColumns(Rows in, long row, int vectors, MemorySegment out, long to, long step) {
        int whole = in.columns() / LANES;
        long from = atFloat(in.memory(), row);
        for (int v = 0; v < whole; v++) {
            VectorMemory.store(VectorMemory.load(in.memory(), from + v * VECTOR_BYTES), out, to + v * step);
        }
        for (int column = whole * LANES; column < vectors * LANES; column++) {
            set(out, to + column / LANES * step + bytes(column % LANES),
                    column < in.columns() ? get(in.memory(), from + bytes(column)) : 0);
        }
    }

    private static void packNibbles(Rows in, long row, int vectors, MemorySegment out, long to, long step) {
        long from = atFloat(in.memory(), row);
        for (int v = 0; v < vectors; v++) {
            int nibble = v % VectorQ4Products.WORD_VECTORS;
            int first = (v - nibble) * LANES + nibble / 2 + nibble % 2 * (Weight.BLOCK / 2);
            for (int lane = 0; lane < LANES; lane++) {
                int column = first + lane / 4 * Weight.BLOCK + lane % 4 * 4;
                set(out, to + v * step + bytes(lane),
                        column < in.columns() ? get(in.memory(), from + bytes(column)) : 0);
            }
        }
    }

    @Override
    void doMultiply(Weight weight, int firstRow, int rows, MemorySegment in, long inOffset, int inputs, int results,
            MemorySegment out, long outOffset, long outStride, MemorySegment scratch) {
        VectorWeight place = new VectorWeight(weight, scratch);
        long inAt = atFloat(in, inOffset);
        if (inputs == 1) {
            for (int row = 0; row < rows; row += MOST_ROWS) {
                multiplyOne(place, firstRow + row, Math.min(MOST_ROWS, rows - row), in, inAt, out, outOffset + row,
                        scratch);
            }
        } else {
            for (int row = 0; row < rows; row++) {
                place.multiplyGroup(firstRow + row, in, inAt);
                for (int i = 0; i < results; i++) {
                    storeSum(scratch, i, out, outOffset + i * outStride + row);
                }
            }
        }
    }

    private static void multiplyOne(VectorWeight place, int firstRow, int rows, MemorySegment in, long inAt,
            MemorySegment out, long outOffset, MemorySegment scratch) {
        int streams = place.streams();
        int each = rows / streams;
        for (int row = 0; row < each; row++) {
            place.multiplyOne(firstRow + row, each, in, inAt);
            for (int stream = 0; stream < streams; stream++) {
                storeSum(scratch, stream, out, outOffset + row + (long) stream * each);
            }
        }
        for (int row = each * streams; row < rows; row++) {
            place.multiplyOne(firstRow + row, 0, in, inAt);
            storeSum(scratch, 0, out, outOffset + row);
        }
    }

    private static void storeSum(MemorySegment sums, int vector, MemorySegment out, long outOffset) {
        set(out, atFloat(out, outOffset), sum(sums, atFloat(sums, (long) vector * LANES)));
    }

    /**
     * Adds the lanes of a vector: every fourth, then of the four sums the distant before the near. Float by float,
     * which costs less here than shuffles, or than vectors of four. It begins at 0, so that a sum of negative zeros is
     * 0 however it came about.
     */
    private static float sum(MemorySegment sums, long at) {
        MemorySegment memory = VectorMemory.memory(sums);
        float first = 0;
        float second = 0;
        float third = 0;
        float fourth = 0;
        for (long lane = at; lane != at + VECTOR_BYTES; lane += 4 * Float.BYTES) {
            long place = lane & PLACES;
            first += memory.get(JAVA_FLOAT_UNALIGNED, place);
            second += memory.get(JAVA_FLOAT_UNALIGNED, place + Float.BYTES);
            third += memory.get(JAVA_FLOAT_UNALIGNED, place + 2 * Float.BYTES);
            fourth += memory.get(JAVA_FLOAT_UNALIGNED, place + 3 * Float.BYTES);
        }
        return first + third + (second + fourth);
    }

    @Override
    void doWiden(Weight weight, int firstRow, int rows, MemorySegment panel, long panelOffset,
            MemorySegment scratch) {
        VectorWeight place = new VectorWeight(weight, scratch);
        int vectors = vectors(weight.format(), weight.columns());
        for (int row = 0; row < PANEL_ROWS; row++) {
            long to = atFloat(panel, panelOffset) + row * VECTOR_BYTES;
            if (row < rows) {
                place.widen(firstRow + row, panel, to);
            } else {
                for (int v = 0; v < vectors; v++) {
                    VectorMemory.store(VectorMemory.zero(), panel, to + v * PANEL_BYTES);
                }
            }
        }
    }

    @Override
    void doMultiplyPanel(MemorySegment in, long inOffset, MemorySegment panel, long panelOffset, int vectors,
            boolean add, MemorySegment sums, long sumsOffset, MemorySegment scratch) {
        long to = atFloat(sums, sumsOffset);
        if (add) {
            long from = atFloat(scratch, 0);
            VectorProductTiles.multiply(in, atFloat(in, inOffset), panel, atFloat(panel, panelOffset), vectors, scratch,
                    from);
            for (long i = 0; i < GROUP * PANEL_BYTES; i += VECTOR_BYTES) {
                VectorMemory.store(VectorMemory.load(sums, to + i).add(VectorMemory.load(scratch, from + i)), sums,
                        to + i);
            }
        } else {
            VectorProductTiles.multiply(in, atFloat(in, inOffset), panel, atFloat(panel, panelOffset), vectors, sums,
                    to);
        }
    }

    @Override
    void doStore(MemorySegment sums, long sumsOffset, int results, int rows, MemorySegment out, long outOffset,
            long outStride) {
        long from = atFloat(sums, sumsOffset);
        for (int i = 0; i < results; i++) {
            long to = atFloat(out, outOffset + i * outStride);
            for (int r = 0; r < rows; r++) {
                set(out, to + bytes(r), sum(sums, from + i * PANEL_BYTES + r * VECTOR_BYTES));
            }
        }
    }
}
