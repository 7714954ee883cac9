// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.IntConsumer;

import io.github.chaijlama.cluster.HeadGram;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

/**
 * Adds up the inner products of the heads' features: a head's feature is its attention probabilities, row after row, as
 * many rows as are observed (arXiv:2403.08058, section 3.3). Probabilities are of 32 bits, products in double; each
 * row's products are added at once, so that sums do not depend on how a text is cut. Memory is that of a block of rows,
 * whatever the length of the text: the larger of one row and {@value #BLOCK_VALUES} probabilities, per head.
 */
public final class HeadFeatures implements AttentionObserver {
    private static final int BLOCK_VALUES = 1 << 14;
    /** Probabilities below which threads cost more than they save: the window of a chat. */
    private static final int PARALLEL_VALUES = 1 << 14;

    private final List<HeadGram> layers;

    /**
     * Creates an observer.
     *
     * @param layers receives the products of each layer
     */
    public HeadFeatures(List<HeadGram> layers) {
        this.layers = List.copyOf(layers);
    }

    @Override
    public void observe(AttendedRows rows) {
        add(layers.get(rows.layer()), rows, 0, rows.count());
    }

    /** Adds some of the rows to a layer's products. */
    static void add(HeadGram gram, AttendedRows rows, int first, int count) {
        if (count == 0) {
            return;
        }
        int heads = rows.heads().numberOfHeads();
        int longest = rows.position() + first + count;
        int rowsPerBlock = Math.clamp(BLOCK_VALUES / longest, 1, count);
        double[][][] values = new double[rowsPerBlock][heads][longest];
        boolean alone = (long) heads * count * longest < PARALLEL_VALUES;
        try (Arena arena = alone ? Arena.ofConfined() : Arena.ofShared()) {
            MemorySegment probabilities = arena.allocate((long) heads * longest * Float.BYTES, Long.BYTES);
            for (int from = first; from < first + count; from += rowsPerBlock) {
                int start = from;
                int end = Math.min(first + count, from + rowsPerBlock);
                forHeads(rows, alone, head -> {
                    long at = (long) head * longest;
                    for (int row = start; row < end; row++) {
                        rows.probabilities(row, head, probabilities, at);
                        double[] to = values[row - start][head];
                        int firstVisible = rows.firstVisible(row);
                        int visible = rows.position() + row + 1 - firstVisible;
                        for (int i = 0; i < visible; i++) {
                            to[i] = probabilities.getAtIndex(JAVA_FLOAT, at + firstVisible + i);
                        }
                    }
                });
                forHeads(rows, alone, head -> {
                    for (int row = start; row < end; row++) {
                        gram.append(head, values[row - start],
                                rows.position() + row + 1 - rows.firstVisible(row));
                    }
                });
            }
        }
    }

    private static void forHeads(AttendedRows rows, boolean alone, IntConsumer task) {
        int heads = rows.heads().numberOfHeads();
        if (alone) {
            for (int head = 0; head < heads; head++) {
                task.accept(head);
            }
        } else {
            rows.workers().run(heads, (head, worker) -> task.accept(head));
        }
    }
}
