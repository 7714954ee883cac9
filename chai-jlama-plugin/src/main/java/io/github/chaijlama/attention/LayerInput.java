// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.kv.KvStore;

/**
 * What a layer's attention does for neighbouring rows of one sequence that share a plan.
 *
 * @param position position of row 0
 * @param queries  {@code (row, head, headSize)}, rotated; heads that the plan does not need are undefined
 * @param out      output, {@code (row, head, headSize)}
 */
record LayerInput(AttentionSequence sequence, int layer, HeadScores scores, HeadPlan plan, int position, Rows queries,
        Rows out) {

    KvStore store() {
        return sequence.store();
    }

    /** Returns the layer whose keys and values are used. */
    int kvLayer() {
        return sequence.kvLayer(layer);
    }

    int rows() {
        return queries.count();
    }

    /** Returns the offset of a head's query, in floats. */
    long queryAt(int row, int head, int headSize) {
        return queries.at(row) + (long) head * headSize;
    }
}
