// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.util.ArrayList;
import java.util.List;

/**
 * Cuts a run of tokens into batches of about the same size: reading the weights for a small one would cost more than
 * its arithmetic.
 */
public final class BatchPlan {
    /** From about as many rows on a pass over the weights costs little beside the arithmetic. */
    private static final int LARGEST = 512;

    private BatchPlan() {}

    /** Returns batch sizes that add up to {@code tokens}. */
    public static List<Integer> batches(int tokens) {
        List<Integer> batches = new ArrayList<>();
        int left = tokens;
        for (int count = Math.ceilDiv(tokens, LARGEST); count > 0; count--) {
            int batch = Math.ceilDiv(left, count);
            batches.add(batch);
            left -= batch;
        }
        return batches;
    }
}
