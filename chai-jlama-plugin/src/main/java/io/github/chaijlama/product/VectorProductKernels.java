// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.product;

import java.lang.foreign.MemorySegment;

import jdk.incubator.vector.FloatVector;

import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.kernel.VectorMemory;
import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightFormat;

import static io.github.chaijlama.kernel.VectorMemory.LANES;
import static io.github.chaijlama.kernel.VectorMemory.VECTOR_BYTES;
import static io.github.chaijlama.kernel.VectorMemory.at;
import static io.github.chaijlama.kernel.VectorMemory.atFloat;
import static io.github.chaijlama.kernel.VectorMemory.bytes;
import static io.github.chaijlama.kernel.VectorMemory.get;
import static io.github.chaijlama.kernel.VectorMemory.set;

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
    /** A vector of every input of a pair. */
    static final long PAIR_BYTES = PAIR * VECTOR_BYTES;
    /** A vector of every row of a panel. */
    static final long PANEL_BYTES = PANEL_ROWS * VECTOR_BYTES;
    /** Sums that are ended together. Rows that are read side by side lie in so many, less than OFFSETS apart. */
    static final int MOST_ROWS = 48;
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

    @Override
    long offsetsLength(WeightFormat format, int columns, int inputs) {
        return format == WeightFormat.Q4
                ? (long) vectors(format, columns) / VectorQ4Products.WORD_VECTORS * LANES * inputs
                : 0;
    }

    @Override
    void doPackOffsets(int columns, int inputs, MemorySegment out, long outOffset) {
        long from = atFloat(out, outOffset);
        long step = inputs * VECTOR_BYTES;
        long end = from + vectors(WeightFormat.Q4, columns) * step;
        for (long word = from, to = end; word != end; word += VectorQ4Products.WORD_VECTORS * step) {
            for (long input = word; input != word + step; input += VECTOR_BYTES, to += VECTOR_BYTES) {
                FloatVector sum = VectorMemory.zero();
                for (int v = 0; v < VectorQ4Products.WORD_VECTORS; v++) {
                    sum = sum.add(VectorMemory.load(out, input + v * step));
                }
                VectorMemory.store(sum.mul(VectorQ4Products.OFFSET), out, to);
            }
        }
    }

    @Override
    public boolean sumsBlocks(WeightFormat format) {
        return format == WeightFormat.Q4;
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

    /** Of each block, column {@code 16 h + 4 j + q} goes to lane {@code j} of vector {@code 2 q + h}. */
    private static void packNibbles(Rows in, long row, int vectors, MemorySegment out, long to, long step) {
        long from = atFloat(in.memory(), row);
        int blocks = in.columns() / Weight.BLOCK;
        int wordBlocks = LANES / 4;
        long wordBytes = VectorQ4Products.WORD_VECTORS * step;
        for (int block = 0; block < vectors / VectorQ4Products.WORD_VECTORS * wordBlocks; block++) {
            long lanes = to + block / wordBlocks * wordBytes + block % wordBlocks * bytes(4);
            long columns = from + block * bytes(Weight.BLOCK);
            for (int four = 0; four < Weight.BLOCK / 4; four++) {
                long first = lanes + four / 4 * step + bytes(four % 4);
                long column = columns + four * bytes(4);
                boolean exists = block < blocks;
                set(out, first, exists ? get(in.memory(), column) : 0);
                set(out, first + 2 * step, exists ? get(in.memory(), column + bytes(1)) : 0);
                set(out, first + 4 * step, exists ? get(in.memory(), column + bytes(2)) : 0);
                set(out, first + 6 * step, exists ? get(in.memory(), column + bytes(3)) : 0);
            }
        }
    }

    @Override
    void doMultiply(Weight weight, int firstRow, int rows, MemorySegment in, long inOffset, int inputs, int results,
            MemorySegment out, long outOffset, long outStride, MemorySegment scratch) {
        VectorWeight place = new VectorWeight(weight, scratch);
        long inAt = atFloat(in, inOffset);
        int step = MOST_ROWS / inputs;
        for (int row = 0; row < rows; row += step) {
            int count = Math.min(step, rows - row);
            if (inputs == 1) {
                multiplyOne(place, firstRow + row, count, in, inAt, out, outOffset + row);
            } else if (inputs == PAIR) {
                multiplyPair(place, firstRow + row, count, in, inAt, results, out, outOffset + row, outStride);
            } else {
                multiplyGroup(place, firstRow + row, count, in, inAt, results, out, outOffset + row, outStride);
            }
        }
    }

    private static void multiplyOne(VectorWeight place, int firstRow, int rows, MemorySegment in, long inAt,
            MemorySegment out, long outOffset) {
        int streams = place.streams();
        int each = rows / streams;
        for (int row = 0; row < each; row++) {
            place.multiplyOne(firstRow + row, each, in, inAt, row * streams);
        }
        for (int row = each * streams; row < rows; row++) {
            place.multiplyOne(firstRow + row, 0, in, inAt, row);
        }
        VectorLaneSums.end(place.sums(), place.sumsAt(), rows);
        long to = atFloat(out, outOffset);
        for (int sum = 0; sum < rows; sum++) {
            int row = sum < each * streams ? sum / streams + sum % streams * each : sum;
            set(out, to + bytes(row), get(place.sums(), place.sumsAt() + bytes(sum)));
        }
    }

    /** Two rows are read side by side, one of the first half of the rows and one of the second. */
    private static void multiplyPair(VectorWeight place, int firstRow, int rows, MemorySegment in, long inAt,
            int results, MemorySegment out, long outOffset, long outStride) {
        int each = rows / 2;
        for (int row = 0; row < each; row++) {
            place.multiplyPair(firstRow + row, each, in, inAt, row * 2 * PAIR);
        }
        if (rows % 2 != 0) {
            place.multiplyPair(firstRow + rows - 1, 0, in, inAt, each * 2 * PAIR);
        }
        VectorLaneSums.end(place.sums(), place.sumsAt(), rows * PAIR);
        for (int i = 0; i < results; i++) {
            long to = atFloat(out, outOffset + i * outStride);
            for (int row = 0; row < rows; row++) {
                int sum = row < 2 * each ? row % each * 2 * PAIR + row / each * PAIR : row * PAIR;
                set(out, to + bytes(row), get(place.sums(), place.sumsAt() + bytes((long) sum + i)));
            }
        }
    }

    private static void multiplyGroup(VectorWeight place, int firstRow, int rows, MemorySegment in, long inAt,
            int results, MemorySegment out, long outOffset, long outStride) {
        int step = place.groupRows();
        for (int row = 0; row < rows; row += step) {
            place.multiplyGroup(firstRow + row, row + step > rows ? 0 : 1, in, inAt, row * GROUP);
        }
        VectorLaneSums.end(place.sums(), place.sumsAt(), rows * GROUP);
        for (int i = 0; i < results; i++) {
            long to = atFloat(out, outOffset + i * outStride);
            for (int row = 0; row < rows; row++) {
                set(out, to + bytes(row), get(place.sums(), place.sumsAt() + bytes((long) row * GROUP + i)));
            }
        }
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
            VectorProductTiles.add(scratch, from, sums, to);
        } else {
            VectorProductTiles.multiply(in, atFloat(in, inOffset), panel, atFloat(panel, panelOffset), vectors, sums,
                    to);
        }
    }

    @Override
    void doStore(MemorySegment sums, long sumsOffset, int results, int rows, MemorySegment out, long outOffset,
            long outStride) {
        long first = atFloat(sums, sumsOffset);
        long stride = bytes(sumsLength(Math.ceilDiv(results, GROUP)));
        for (int panel = 0; panel * PANEL_ROWS < rows; panel++) {
            VectorLaneSums.end(sums, first + panel * stride, results * PANEL_ROWS);
        }
        // A row of results at a time: panel by panel costs a fifth more with 512 inputs (docs/benchmarks.md).
        for (int i = 0; i < results; i++) {
            long from = first + bytes((long) i * PANEL_ROWS);
            long to = atFloat(out, outOffset + i * outStride);
            int row = 0;
            for (; row + PANEL_ROWS <= rows; row += PANEL_ROWS, from += stride, to += bytes(PANEL_ROWS)) {
                copy(sums, from, PANEL_ROWS, out, to);
            }
            copy(sums, from, rows - row, out, to);
        }
    }

    private static void copy(MemorySegment in, long from, int count, MemorySegment out, long to) {
        for (int i = 0; i < count; i++) {
            set(out, to + bytes(i), get(in, from + bytes(i)));
        }
    }
}
