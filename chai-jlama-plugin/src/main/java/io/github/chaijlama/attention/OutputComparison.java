// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.IntFunction;

import io.github.chaijlama.cluster.OutputDistances;
import io.github.chaijlama.model.HeadLayout;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

/**
 * Adds up {@link OutputDistances} over query rows: probabilities and sums of values by the kernels, in 32 bits,
 * distances in double. A row takes {@code numberOfHeads * numberOfKvHeads} weighted sums instead of
 * {@code numberOfHeads}; of models with more than {@value #HEADS_OF_ALL_ROWS} heads only every n-th position is looked
 * at, {@code n = heads / 16} rounded up, so that the work grows with the heads as attention's own does. Memory is that
 * of one row of probabilities per head and thread, and the distances of a block of rows.
 */
public final class OutputComparison implements AttentionObserver {
    /** With so many heads every position is looked at. */
    private static final int HEADS_OF_ALL_ROWS = 16;
    private static final int BLOCK_ROWS = 32;

    private final List<OutputDistances> layers;
    private final IntFunction<float[]> outputProducts;

    /**
     * Creates an observer.
     *
     * @param layers         receives the distances of each layer
     * @param outputProducts of a layer: what the output projection makes of a head's output, for every head,
     *                       {@code W_h^T W_h} of its columns, {@code (head, headSize, headSize)}, so that
     *                       {@code x^T W_h^T W_h x} is the squared length of what {@code x} adds to the hidden state
     */
    public OutputComparison(List<OutputDistances> layers, IntFunction<float[]> outputProducts) {
        this.layers = List.copyOf(layers);
        this.outputProducts = outputProducts;
    }

    /** Sums are added row by row, whatever the threads. */
    @Override
    public void observe(AttendedRows rows) {
        int heads = rows.heads().numberOfHeads();
        int stride = (heads + HEADS_OF_ALL_ROWS - 1) / HEADS_OF_ALL_ROWS;
        // Which rows count depends on their positions alone, not on how the text is cut into batches.
        int firstRow = Math.floorMod(-1 - rows.position(), stride);
        int counted = (rows.count() - firstRow + stride - 1) / stride;
        float[] products = outputProducts.apply(rows.layer());
        try (Arena arena = Arena.ofShared()) {
            Row[] scratch = new Row[rows.workers().threads()];
            for (int worker = 0; worker < scratch.length; worker++) {
                scratch[worker] = new Row(rows, products, arena);
            }
            double[][] distances = new double[BLOCK_ROWS][heads * heads];
            for (int from = 0; from < counted; from += BLOCK_ROWS) {
                int first = from;
                int count = Math.min(BLOCK_ROWS, counted - from);
                rows.workers().run(count, (task, worker) -> scratch[worker]
                        .measure(firstRow + (first + task) * stride, distances[task]));
                for (int row = 0; row < count; row++) {
                    layers.get(rows.layer()).add(distances[row]);
                }
            }
        }
    }

    /** Scratch memory of a thread, for one row at a time. */
    private static final class Row {
        private final AttendedRows rows;
        private final HeadLayout layout;
        private final float[] outputProducts;
        private final long longest;
        /** {@code (head, key)}. */
        private final MemorySegment probabilities;
        /** Values of a KV head summed with the probabilities of a head, {@code (kvHead, head, headSize)}. */
        private final MemorySegment sums;
        private final float[] difference;

        Row(AttendedRows rows, float[] outputProducts, Arena arena) {
            this.rows = rows;
            this.layout = rows.heads();
            this.outputProducts = outputProducts;
            this.longest = (long) rows.position() + rows.count();
            this.probabilities = arena.allocate(layout.numberOfHeads() * longest * Float.BYTES, Long.BYTES);
            this.sums = arena.allocate(
                    (long) layout.numberOfKvHeads() * layout.numberOfHeads() * layout.headSize() * Float.BYTES,
                    Long.BYTES);
            this.difference = new float[layout.headSize()];
        }

        /** Writes the distances of one row, {@code (head, other)}. */
        void measure(int row, double[] distances) {
            int heads = layout.numberOfHeads();
            for (int head = 0; head < heads; head++) {
                rows.probabilities(row, head, probabilities, head * longest);
            }
            sums.fill((byte) 0);
            for (int kvHead = 0; kvHead < layout.numberOfKvHeads(); kvHead++) {
                for (int head = 0; head < heads; head++) {
                    rows.addValues(row, kvHead, probabilities, head * longest, sums, sumAt(kvHead, head));
                }
            }
            for (int head = 0; head < heads; head++) {
                for (int other = 0; other < heads; other++) {
                    distances[head * heads + other] = head == other ? 0 : distance(head, other);
                }
            }
        }

        private long sumAt(int kvHead, int head) {
            return ((long) kvHead * layout.numberOfHeads() + head) * layout.headSize();
        }

        private double distance(int head, int other) {
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
