// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.lang.foreign.MemorySegment;

import io.github.chaijlama.kernel.AttentionKernels;
import io.github.chaijlama.kv.KvStore;
import io.github.chaijlama.model.ScoreRules;

/**
 * Calculates rows of attention probabilities: scores of all keys that a query sees, page after page, their cap,
 * softmax. Decoding, the windows that decide membership and calibration all get them here. Thread-safe.
 */
final class ProbabilityRows {
    private final AttentionKernels kernels;
    private final int headSize;

    ProbabilityRows(AttentionKernels kernels, int headSize) {
        this.kernels = kernels;
        this.headSize = headSize;
    }

    /**
     * Calculates the probabilities of one position, for queries that read the same keys.
     *
     * @param out     output; those of {@code heads[i]} at {@code outAt[i]} for the first position there is, one after
     *                the other; those that the query does not see are left as they are
     * @param outAt   offsets in floats
     * @param queries {@code (head, headSize)} from {@code queryAt} on
     * @param heads   the query heads
     */
    void calculate(MemorySegment out, long[] outAt, KvStore store, int layer, int keyHead, HeadScores ofHeads,
            int position, MemorySegment queries, long queryAt, int[] heads) {
        ScoreRules rules = ofHeads.rules();
        int numberOfKeys = position + 1;
        int firstVisible = rules.firstKey(position);
        for (int firstKey = firstVisible; firstKey < numberOfKeys;) {
            int page = firstKey / store.rowsPerPage(layer);
            int end = Math.min((page + 1) * store.rowsPerPage(layer), numberOfKeys);
            MemorySegment keys = store.keys(layer, keyHead, page);
            for (int i = 0; i < heads.length; i++) {
                kernels.scores(out, outAt[i] + firstKey, queries, queryAt + (long) heads[i] * headSize, store.type(),
                        keys, store.rowAt(layer, firstKey), end - firstKey, headSize, rules.scale());
            }
            firstKey = end;
        }
        int count = numberOfKeys - firstVisible;
        for (int i = 0; i < heads.length; i++) {
            long at = outAt[i] + firstVisible;
            if (rules.softCap() > 0) {
                kernels.softCap(out, at, count, rules.softCap());
            }
            kernels.softmax(out, at, count, ofHeads.sink(heads[i]));
        }
    }

    /**
     * Adds the values of the positions that a query sees, weighted: {@code out += sum_j weights[j] values[j]}, for sums
     * of one KV head's values.
     *
     * @param out       in and out, {@code (headSize)} from each of {@code outAt} on
     * @param weights   by position, those of sum {@code i} from {@code weightsAt[i]} on
     * @param outAt     offsets in floats
     * @param weightsAt offsets in floats
     */
    void addValues(MemorySegment out, long[] outAt, MemorySegment weights, long[] weightsAt, KvStore store, int layer,
            int valueHead, HeadScores ofHeads, int position) {
        int numberOfKeys = position + 1;
        for (int first = ofHeads.firstKey(position); first < numberOfKeys;) {
            int page = first / store.rowsPerPage(layer);
            int end = Math.min((page + 1) * store.rowsPerPage(layer), numberOfKeys);
            MemorySegment values = store.values(layer, valueHead, page);
            for (int i = 0; i < outAt.length; i++) {
                kernels.weightedSum(out, outAt[i], weights, weightsAt[i] + first, store.type(), values,
                        store.rowAt(layer, first), end - first, headSize);
            }
            first = end;
        }
    }
}
