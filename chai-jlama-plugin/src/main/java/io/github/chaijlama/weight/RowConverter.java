// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.parallel.WorkerPool;

/**
 * Converts rows of weights, in parallel regions: to F32 exactly, to Q4 and I8 as Jlama quantizes. A row's bits depend
 * on its values alone, not on the threads or on what is converted with it. Thread-safe.
 */
public final class RowConverter {
    /** Values converted between two looks at the listener: some tens of milliseconds. */
    private static final long REGION_VALUES = 1 << 24;
    private static final int TASK_VALUES = 1 << 16;

    private final WorkerPool workers;

    /** Some rows, from {@code first} to before {@code end}. */
    interface RowRange {
        void run(int first, int end);
    }

    /** Creates a converter that uses a model's threads. */
    public RowConverter(WorkerPool workers) {
        this.workers = workers;
    }

    /** Returns how many rows of so many columns are converted in one go; at least 1. */
    public static int rowsAtATime(int columns) {
        return (int) Math.max(1, REGION_VALUES / columns);
    }

    /**
     * Converts a weight.
     *
     * @param from {@code (rows, columns)}
     * @param to   F32, Q4 or I8, with memory for as many rows and columns, which receives them
     * @throws ModelLoadException if values are to be quantized that are not finite numbers
     */
    public void convert(Weight from, Weight to) {
        if (from.rows() != to.rows() || from.columns() != to.columns()) {
            throw new IllegalArgumentException(from.name() + ": " + from.rows() + " x " + from.columns() + " to "
                    + to.rows() + " x " + to.columns());
        }
        switch (to.format()) {
            case F32 -> toFloats(from, to);
            case Q4, I8 -> quantize(from, to);
            default -> throw new IllegalArgumentException("cannot convert weights to " + to.format());
        }
    }

    private void toFloats(Weight from, Weight to) {
        WeightRows rows = new WeightRows(from);
        int columns = from.columns();
        forRows(from, (first, end) -> {
            MemorySegment values = MemorySegment.ofArray(new float[columns]);
            for (int row = first; row < end; row++) {
                rows.decode(row, values, 0);
                MemorySegment.copy(values, 0, to.data(), (long) row * columns * Float.BYTES, values.byteSize());
            }
        });
    }

    private void quantize(Weight from, Weight to) {
        WeightRows rows = new WeightRows(from);
        AtomicBoolean finite = new AtomicBoolean(true);
        forRows(from, (first, end) -> {
            float[] values = new float[from.columns()];
            MemorySegment segment = MemorySegment.ofArray(values);
            for (int row = first; row < end; row++) {
                rows.decode(row, segment, 0);
                if (!BlockQuantizer.quantize(values, to, row)) {
                    finite.set(false);
                }
            }
        });
        if (!finite.get()) {
            // A few bits cannot tell: without this a broken model would speak, and nonsense.
            throw new ModelLoadException("tensor " + from.name() + " holds values that are not finite numbers");
        }
    }

    /** Runs work on all rows of a weight, in one region. */
    void forRows(Weight weight, RowRange work) {
        int rows = weight.rows();
        int rowsOfTask = Math.max(1, TASK_VALUES / weight.columns());
        workers.run(Math.ceilDiv(rows, rowsOfTask), (task, worker) -> {
            int first = task * rowsOfTask;
            work.run(first, Math.min(rows, first + rowsOfTask));
        });
    }
}
