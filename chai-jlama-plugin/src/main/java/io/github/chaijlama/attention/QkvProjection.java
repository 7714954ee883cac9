// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * The matrix products before attention. The layer's pass asks for the heads it needs and finds them in full-width rows:
 * head {@code h} of row {@code r} at {@code (r * numberOfHeads + h) * headSize} floats. Heads not asked for are undefined.
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
}
