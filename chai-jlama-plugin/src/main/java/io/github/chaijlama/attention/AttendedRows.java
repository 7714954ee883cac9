// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.lang.foreign.MemorySegment;

import io.github.chaijlama.kv.KvStore;
import io.github.chaijlama.model.HeadLayout;
import io.github.chaijlama.parallel.WorkerPool;

/** Neighbouring rows of one sequence that a layer has attended to: their keys and values are stored. Thread-safe. */
public final class AttendedRows {
    private final HeadLayout layout;
    private final ProbabilityRows probabilities;
    private final WorkerPool workers;
    private final LayerInput input;
    private final int[][] heads;

    AttendedRows(HeadLayout layout, ProbabilityRows probabilities, WorkerPool workers, LayerInput input,
            int[][] heads) {
        this.layout = layout;
        this.probabilities = probabilities;
        this.workers = workers;
        this.input = input;
        this.heads = heads;
    }

    /** Returns the layer. */
    public int layer() {
        return input.layer();
    }

    /** Returns the layer's heads. */
    public HeadLayout heads() {
        return layout;
    }

    /** Returns the position of row 0. */
    public int position() {
        return input.position();
    }

    /** Returns the number of rows. */
    public int count() {
        return input.rows();
    }

    /** Returns the first position that a row sees; it sees all from there up to its own. */
    public int firstVisible(int row) {
        return input.scores().firstKey(input.position() + row);
    }

    /**
     * Calculates the attention probabilities of one head in one row.
     *
     * @param out   output, native; position {@code p} at {@code outAt + p} for each that the row sees, others are left
     *              as they are
     * @param outAt offset in floats
     */
    public void probabilities(int row, int head, MemorySegment out, long outAt) {
        int position = input.position() + row;
        probabilities.calculate(out, new long[]{ outAt }, store(), input.kvLayer(), layout.kvHead(head), input.scores(),
                position, input.queries().memory(), input.queries().at(row), heads[head]);
    }

    /**
     * Adds the values of a KV head that a row sees, weighted with probabilities.
     *
     * @param weights by position as {@link #probabilities} wrote them
     * @param out     in and out, native, {@code (headSize)} from {@code outAt} on
     */
    public void addValues(int row, int kvHead, MemorySegment weights, long weightsAt, MemorySegment out, long outAt) {
        probabilities.addValues(out, new long[]{ outAt }, weights, new long[]{ weightsAt }, store(), input.kvLayer(),
                kvHead, input.scores(),
                input.position() + row);
    }

    /** Returns the threads of the step, which wait while observers work. */
    public WorkerPool workers() {
        return workers;
    }

    private KvStore store() {
        return input.store();
    }
}
