// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.product;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightFormat;
import io.github.chaijlama.weight.WeightRows;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

/** The formulas as loops, with one lane. */
final class ScalarProductKernels extends ProductKernels {

    @Override
    public String description() {
        return "scalar products";
    }

    @Override
    public int lanes() {
        return 1;
    }

    @Override
    public int vectors(WeightFormat format, int columns) {
        return columns;
    }

    @Override
    public long scratchLength(WeightFormat format, int columns) {
        return sumsLength(1);
    }

    @Override
    void doPack(WeightFormat format, Rows in, int firstRow, int count, int inputs, MemorySegment out,
            long outOffset) {
        for (int column = 0; column < in.columns(); column++) {
            for (int i = 0; i < inputs; i++) {
                set(out, outOffset + (long) column * inputs + i,
                        i < count ? get(in.memory(), in.at(firstRow + i) + column) : 0);
            }
        }
    }

    @Override
    long offsetsLength(WeightFormat format, int columns, int inputs) {
        return 0;
    }

    @Override
    void doPackOffsets(int columns, int inputs, MemorySegment out, long outOffset) {
        // Weights are decoded, there is nothing to take off.
    }

    @Override
    public boolean sumsBlocks(WeightFormat format) {
        return false;
    }

    @Override
    void doMultiply(Weight weight, int firstRow, int rows, MemorySegment in, long inOffset, int inputs, int results,
            MemorySegment out, long outOffset, long outStride, MemorySegment scratch) {
        WeightRows decoder = new WeightRows(weight);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment row = arena.allocate((long) weight.columns() * Float.BYTES, Float.BYTES);
            for (int r = 0; r < rows; r++) {
                decoder.decode(firstRow + r, row, 0);
                for (int i = 0; i < results; i++) {
                    float sum = 0;
                    for (int first = 0; first < weight.columns(); first += CHUNK_COLUMNS) {
                        sum += chunk(in, inOffset + i, inputs, row, first,
                                Math.min(weight.columns(), first + CHUNK_COLUMNS));
                    }
                    set(out, outOffset + i * outStride + r, sum);
                }
            }
        }
    }

    private static float chunk(MemorySegment in, long inOffset, int inputs, MemorySegment row, int first, int end) {
        float sum = 0;
        for (int column = first; column < end; column++) {
            sum += get(in, inOffset + (long) column * inputs) * get(row, column);
        }
        return sum;
    }

    @Override
    void doWiden(Weight weight, int firstRow, int rows, MemorySegment panel, long panelOffset,
            MemorySegment scratch) {
        WeightRows decoder = new WeightRows(weight);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment row = arena.allocate((long) weight.columns() * Float.BYTES, Float.BYTES);
            for (int r = 0; r < PANEL_ROWS; r++) {
                if (r < rows) {
                    decoder.decode(firstRow + r, row, 0);
                }
                for (int column = 0; column < weight.columns(); column++) {
                    set(panel, panelOffset + (long) column * PANEL_ROWS + r, r < rows ? get(row, column) : 0);
                }
            }
        }
    }

    @Override
    void doMultiplyPanel(MemorySegment in, long inOffset, MemorySegment panel, long panelOffset, int vectors,
            boolean add, MemorySegment sums, long sumsOffset, MemorySegment scratch) {
        for (int i = 0; i < GROUP; i++) {
            for (int r = 0; r < PANEL_ROWS; r++) {
                long at = sumsOffset + (long) i * PANEL_ROWS + r;
                float sum = 0;
                for (int v = 0; v < vectors; v++) {
                    sum += get(in, inOffset + (long) v * GROUP + i)
                            * get(panel, panelOffset + (long) v * PANEL_ROWS + r);
                }
                set(sums, at, add ? get(sums, at) + sum : sum);
            }
        }
    }

    @Override
    void doStore(MemorySegment sums, long sumsOffset, int results, int rows, MemorySegment out, long outOffset,
            long outStride) {
        for (int i = 0; i < results; i++) {
            for (int r = 0; r < rows; r++) {
                long panel = sumsOffset + (long) (r / PANEL_ROWS) * sumsLength(Math.ceilDiv(results, GROUP));
                set(out, outOffset + i * outStride + r,
                        get(sums, panel + (long) i * PANEL_ROWS + r % PANEL_ROWS));
            }
        }
    }

    private static float get(MemorySegment segment, long offset) {
        return segment.getAtIndex(JAVA_FLOAT_UNALIGNED, offset);
    }

    private static void set(MemorySegment segment, long offset, float value) {
        segment.setAtIndex(JAVA_FLOAT_UNALIGNED, offset, value);
    }
}
