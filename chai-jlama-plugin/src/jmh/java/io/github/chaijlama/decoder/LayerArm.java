// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import io.github.chaijlama.kernel.Rows;

/** The attention of one layer, whoever computes it. */
public interface LayerArm extends AutoCloseable {

    /**
     * Runs attention, its four products included, for one sequence.
     *
     * @param position of the first row; what the sequence has behind it is cut off
     * @param rows     {@code (row, hiddenSize)}, at most a batch
     * @param out      output, {@code (row, hiddenSize)}
     */
    void run(int sequence, int position, Rows rows, Rows out);

    /** Returns the clusters of a sequence, or its heads. */
    int numberOfClusters(int sequence);

    @Override
    void close();
}
