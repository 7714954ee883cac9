// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.util.ArrayList;
import java.util.List;

/**
 * Cuts a run of tokens into batches. Jlama keeps tensors for every batch size it has seen, for ever, so only 39 sizes
 * occur: every size up to 32, then multiples of 32 up to 256. What is left over is not left so small that reading all
 * weights for it would cost more than its arithmetic.
 */
public final class BatchPlan {
    private static final int LARGEST = 256;
    private static final int STEP = 32;
    /** Below about this many rows a pass is bound by reading the weights. */
    private static final int WORTHWHILE = 8;

    private BatchPlan() {}

    /** Returns batch sizes that add up to {@code tokens}. */
    public static List<Integer> batches(int tokens) {
        List<Integer> batches = new ArrayList<>();
        int left = tokens;
        while (left > 0) {
            int batch = next(left);
            batches.add(batch);
            left -= batch;
        }
        return batches;
    }

    private static int next(int left) {
        if (left <= STEP) {
            return left;
        }
        if (left < 2 * STEP) {
            return (left + 1) / 2;
        }
        int batch = Math.min(LARGEST, left / STEP * STEP);
        int rest = left - batch;
        return rest > 0 && rest < WORTHWHILE && batch > STEP ? batch - STEP : batch;
    }
}
