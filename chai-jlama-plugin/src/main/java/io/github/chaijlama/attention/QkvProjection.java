// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * The matrix products before attention, and what is known of the one after it. The layer's pass asks for the heads it
 * needs and finds them in full-width rows: head {@code h} of row {@code r} at
 * {@code (r * numberOfHeads + h) * headSize} floats. Heads not asked for are undefined.
 */
public interface QkvProjection {

    /**
     * Projects some rows of the batch, biases included.
     *
     * @param firstRow  first row of the batch
     * @param rows      number of rows
     * @param queryRuns query heads to project
     * @param keyRuns   KV heads whose keys to project; values are projected for every KV head
     */
    void project(int firstRow, int rows, List<HeadRun> queryRuns, List<HeadRun> keyRuns);

    /** Returns the queries, {@code (row, head, headSize)}; rotary embedding happens in place. */
    MemorySegment queries();

    /** Returns the keys, {@code (row, kvHead, headSize)}. */
    MemorySegment keys();

    /** Returns the values, {@code (row, kvHead, headSize)}. */
    MemorySegment values();

    /**
     * Returns what the output projection makes of a head's output, for every head: {@code W_h^T W_h} of its columns, so
     * that {@code x^T W_h^T W_h x} is the squared length of what {@code x} adds to the hidden state.
     * {@code (head, headSize, headSize)}, the same array for every batch of a layer.
     */
    float[] outputProducts();
}
