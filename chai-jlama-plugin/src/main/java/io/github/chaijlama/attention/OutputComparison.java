// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import io.github.chaijlama.cluster.OutputDistances;
import io.github.chaijlama.kernel.AttentionKernels;
import io.github.chaijlama.kv.KvStore;
import io.github.chaijlama.parallel.WorkerPool;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

/**
 * Adds up {@link OutputDistances} over query rows: probabilities and sums of values by the kernels, in 32 bits,
 * distances in double. A row takes {@code numberOfHeads * numberOfKvHeads} weighted sums instead of
 * {@code numberOfHeads}; of models with more than {@value #HEADS_OF_ALL_ROWS} heads only every n-th position is looked
 * at, so that the work grows with the heads as attention's own does. Memory is that of one row of probabilities per
 * head and thread, and the distances of a block of rows.
 */
final class OutputComparison {
    /** With so many heads every position is looked at. */
    private static final int HEADS_OF_ALL_ROWS = 16;
    private static final int BLOCK_ROWS = 32;

    private final HeadLayout layout;
    private final ScoreRules rules;
    private final AttentionKernels kernels;
    private final WorkerPool workers;
    private final int stride;

    OutputComparison(HeadLayout layout, ScoreRules rules, AttentionKernels kernels, WorkerPool workers) {
        this.layout = layout;
        this.rules = rules;
        this.kernels = kernels;
        this.workers = workers;
        this.stride = (layout.numberOfHeads() + HEADS_OF_ALL_ROWS - 1) / HEADS_OF_ALL_ROWS;
    }

    /**
     * Adds the rows of a batch whose keys and values are stored. Sums are added row by row, whatever the threads.
     *
     * @param projection queries rotated, of all heads
     * @param position   position of row 0
     */
    void add(OutputDistances distances, KvStore store, int layer, QkvProjection projection, int position, int rows) {
        int heads = layout.numberOfHeads();
        // Which rows count depends on their positions alone, not on how the text is cut into batches.
        int firstRow = Math.floorMod(-1 - position, stride);
        int counted = (rows - firstRow + stride - 1) / stride;
        try (Arena arena = Arena.ofShared()) {
            Row[] scratch = new Row[workers.threads()];
            for (int worker = 0; worker < scratch.length; worker++) {
                scratch[worker] = new Row(arena, position + rows);
            }
            float[] outputProducts = projection.outputProducts();
            double[][] rowDistances = new double[BLOCK_ROWS][heads * heads];
            for (int from = 0; from < counted; from += BLOCK_ROWS) {
                int first = from;
                int count = Math.min(BLOCK_ROWS, counted - from);
                workers.run(count, (task, worker) -> scratch[worker].measure(store, layer, projection.queries(),
                        firstRow + (first + task) * stride, position, outputProducts, rowDistances[task]));
                for (int row = 0; row < count; row++) {
                    distances.add(rowDistances[row]);
                }
            }
        }
    }

    /** Scratch memory of a thread, for one row at a time. */
    private final class Row {
        private final int longest;
        /** {@code (head, key)}. */
        private final MemorySegment probabilities;
        /** Values of a KV head summed with the probabilities of a head, {@code (kvHead, head, headSize)}. */
        private final MemorySegment sums;
        private final float[] difference;

        Row(Arena arena, int longest) {
            this.longest = longest;
            this.probabilities = arena.allocate((long) layout.numberOfHeads() * longest * Float.BYTES, Long.BYTES);
            this.sums = arena.allocate(
                    (long) layout.numberOfKvHeads() * layout.numberOfHeads() * layout.headSize() * Float.BYTES,
                    Long.BYTES);
            this.difference = new float[layout.headSize()];
        }

        /** Writes the distances of one row, {@code (head, other)}. */
        void measure(KvStore store, int layer, MemorySegment queries, int row, int position, float[] outputProducts,
                double[] distances) {
            int heads = layout.numberOfHeads();
            int numberOfKeys = position + row + 1;
            int firstVisible = rules.firstKey(layer, numberOfKeys - 1);
            for (int head = 0; head < heads; head++) {
                attend(store, layer, queries, row, head, firstVisible, numberOfKeys);
            }
            sums.fill((byte) 0);
            for (int kvHead = 0; kvHead < layout.numberOfKvHeads(); kvHead++) {
                for (int head = 0; head < heads; head++) {
                    sum(store, layer, kvHead, head, firstVisible, numberOfKeys);
                }
            }
            for (int head = 0; head < heads; head++) {
                for (int other = 0; other < heads; other++) {
                    distances[head * heads + other] = head == other ? 0 : distance(head, other, outputProducts);
                }
            }
        }

        private void attend(KvStore store, int layer, MemorySegment queries, int row, int head, int firstVisible,
                int numberOfKeys) {
            int headSize = layout.headSize();
            long at = (long) head * longest;
            long query = (long) row * layout.queryLength() + (long) head * headSize;
            for (int firstKey = firstVisible; firstKey < numberOfKeys;) {
                int page = firstKey / store.rowsPerPage();
                int end = Math.min((page + 1) * store.rowsPerPage(), numberOfKeys);
                kernels.scores(probabilities, at + firstKey, queries, query, store.type(),
                        store.keys(layer, layout.kvHead(head), page), store.rowAt(firstKey), end - firstKey, headSize,
                        rules.scale());
                firstKey = end;
            }
            if (rules.softCap() > 0) {
                kernels.softCap(probabilities, at + firstVisible, numberOfKeys - firstVisible, rules.softCap());
            }
            kernels.softmax(probabilities, at + firstVisible, numberOfKeys - firstVisible);
        }

        private void sum(KvStore store, int layer, int kvHead, int head, int firstVisible, int numberOfKeys) {
            for (int firstKey = firstVisible; firstKey < numberOfKeys;) {
                int page = firstKey / store.rowsPerPage();
                int end = Math.min((page + 1) * store.rowsPerPage(), numberOfKeys);
                kernels.weightedSum(sums, sumAt(kvHead, head), probabilities, (long) head * longest + firstKey,
                        store.type(), store.values(layer, kvHead, page), store.rowAt(firstKey), end - firstKey,
                        layout.headSize());
                firstKey = end;
            }
        }

        private long sumAt(int kvHead, int head) {
            return ((long) kvHead * layout.numberOfHeads() + head) * layout.headSize();
        }

        private double distance(int head, int other, float[] outputProducts) {
            int size = layout.headSize();
            long own = sumAt(layout.kvHead(head), head);
            long others = sumAt(layout.kvHead(head), other);
            for (int i = 0; i < size; i++) {
                difference[i] = sums.getAtIndex(JAVA_FLOAT, own + i) - sums.getAtIndex(JAVA_FLOAT, others + i);
            }
            double distance = 0;
            for (int i = 0; i < size; i++) {
                int products = (head * size + i) * size;
                float sum = 0;
                for (int j = 0; j < size; j++) {
                    sum += outputProducts[products + j] * difference[j];
                }
                distance += (double) sum * difference[i];
            }
            return Math.max(0, distance);
        }
    }
}
