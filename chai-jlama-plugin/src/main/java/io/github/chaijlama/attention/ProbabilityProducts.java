// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import io.github.chaijlama.cluster.HeadGram;
import io.github.chaijlama.kernel.AttentionKernels;
import io.github.chaijlama.kv.KvStore;
import io.github.chaijlama.parallel.WorkerPool;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

/**
 * Adds up the inner products of the heads' attention probabilities over many query rows, for texts of any length:
 * probabilities by the kernels, in 32 bits, their products in double. Memory is that of a block of rows, whatever the
 * length of the text: the larger of one row and {@value #BLOCK_VALUES} probabilities, per head.
 */
final class ProbabilityProducts implements AutoCloseable {
    private static final int BLOCK_VALUES = 1 << 14;

    private final HeadLayout layout;
    private final ScoreRules rules;
    private final AttentionKernels kernels;
    private final WorkerPool workers;
    private Arena arena = Arena.ofShared();
    private MemorySegment scores = MemorySegment.NULL;

    ProbabilityProducts(HeadLayout layout, ScoreRules rules, AttentionKernels kernels, WorkerPool workers) {
        this.layout = layout;
        this.rules = rules;
        this.kernels = kernels;
        this.workers = workers;
    }

    /**
     * Adds the rows of a batch whose keys are stored.
     *
     * @param queries  rotated, of all heads, {@code (row, head, headSize)}
     * @param position position of row 0
     */
    void add(HeadGram gram, KvStore store, int layer, MemorySegment queries, int position, int rows) {
        int heads = layout.numberOfHeads();
        int longest = position + rows;
        ensureRoomFor((long) heads * longest);
        int rowsPerBlock = Math.clamp(BLOCK_VALUES / longest, 1, rows);
        double[][] values = new double[heads][rowsPerBlock * longest];
        for (int firstRow = 0; firstRow < rows; firstRow += rowsPerBlock) {
            int from = firstRow;
            int to = Math.min(rows, firstRow + rowsPerBlock);
            workers.run(heads, (head, worker) -> {
                int length = 0;
                for (int row = from; row < to; row++) {
                    long at = (long) head * longest;
                    int count = probabilities(at, store, layer, queries, position, row, head);
                    for (int i = 0; i < count; i++) {
                        values[head][length++] = scores.getAtIndex(JAVA_FLOAT, at + i);
                    }
                }
            });
            int length = 0;
            for (int row = from; row < to; row++) {
                length += visible(layer, position + row);
            }
            int blockLength = length;
            workers.run(heads, (head, worker) -> gram.append(head, values, blockLength));
        }
    }

    /** Grows by doubling, so that a text read in batches does not leave memory behind at each. */
    private void ensureRoomFor(long floats) {
        if (scores.byteSize() < floats * Float.BYTES) {
            Arena larger = Arena.ofShared();
            scores = larger.allocate(Math.max(2 * scores.byteSize(), floats * Float.BYTES), Long.BYTES);
            arena.close();
            arena = larger;
        }
    }

    private int visible(int layer, int position) {
        return position + 1 - rules.firstKey(layer, position);
    }

    /** Writes the probabilities of the keys a row sees and returns how many those are. */
    private int probabilities(long at, KvStore store, int layer, MemorySegment queries,
            int position, int row, int head) {
        int headSize = layout.headSize();
        int numberOfKeys = position + row + 1;
        int firstVisible = rules.firstKey(layer, numberOfKeys - 1);
        for (int firstKey = firstVisible; firstKey < numberOfKeys;) {
            int page = firstKey / store.rowsPerPage();
            int end = Math.min((page + 1) * store.rowsPerPage(), numberOfKeys);
            kernels.scores(scores, at + firstKey - firstVisible, queries,
                    (long) row * layout.queryLength() + (long) head * headSize,
                    store.type(), store.keys(layer, layout.kvHead(head), page), store.rowAt(firstKey), end - firstKey,
                    headSize, rules.scale());
            firstKey = end;
        }
        int count = numberOfKeys - firstVisible;
        if (rules.softCap() > 0) {
            kernels.softCap(scores, at, count, rules.softCap());
        }
        kernels.softmax(scores, at, count);
        return count;
    }

    @Override
    public void close() {
        arena.close();
    }
}
