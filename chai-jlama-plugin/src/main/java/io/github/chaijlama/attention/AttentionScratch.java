// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicIntegerArray;

import io.github.chaijlama.model.HeadLayout;

/**
 * Working memory of one pass, kept for the next: that of each worker, and rows of scores that grow with the longest
 * sequence.
 */
final class AttentionScratch implements AutoCloseable {
    private static final long ALIGNMENT = 64;
    private static final int FLOATS_PER_LINE = 16;
    /** The most tiles of a block: keys and values are read once for all of them. */
    static final int MAX_TILES = 4;
    /** The most keys that a block takes in at once. */
    static final int MAX_KEYS = 128;

    private final HeadLayout layout;
    private final Arena arena = Arena.ofShared();
    private final Worker[] workers;
    private final MemorySegment zeros;
    private final AtomicIntegerArray scored;
    private Arena scoresArena = Arena.ofShared();
    private MemorySegment scores = MemorySegment.NULL;
    private int scoresLength;

    AttentionScratch(HeadLayout layout, int tileRows, int workers) {
        this.layout = layout;
        this.workers = new Worker[workers];
        for (int worker = 0; worker < workers; worker++) {
            this.workers[worker] = new Worker(layout, tileRows, arena);
        }
        this.zeros = arena.allocate((long) layout.headSize() * Float.BYTES, ALIGNMENT);
        this.scored = new AtomicIntegerArray(layout.numberOfHeads());
    }

    /** Returns the memory of a worker. */
    Worker worker(int worker) {
        return workers[worker];
    }

    /** {@code (headSize)} zeros. */
    MemorySegment zeros() {
        return zeros;
    }

    /** One entry per head for the tasks of a region to tell each other what is done. */
    AtomicIntegerArray scored() {
        return scored;
    }

    /** Returns memory for one row of scores per cluster, each at {@link #scoresOffset}; contents are undefined. */
    @SuppressWarnings("MustBeClosedChecker") // close() does, or the next larger one
    MemorySegment scores(int numberOfKeys) {
        if (numberOfKeys > scoresLength) {
            int length = Math.max(1024, Integer.highestOneBit(numberOfKeys - 1) * 2);
            Arena larger = Arena.ofShared();
            scores = larger.allocate(scoresOffset(layout.numberOfHeads(), length) * Float.BYTES, ALIGNMENT);
            scoresArena.close();
            scoresArena = larger;
            scoresLength = length;
        }
        return scores;
    }

    /** Returns the offset, in floats, of a cluster's row of scores. */
    long scoresOffset(int cluster) {
        return scoresOffset(cluster, scoresLength);
    }

    /** Rows begin on their own cache lines, and not a power of two apart, which would put them in the same sets. */
    private static long scoresOffset(int cluster, int rowLength) {
        return (long) cluster * (rowLength + FLOATS_PER_LINE);
    }

    @Override
    public void close() {
        arena.close();
        scoresArena.close();
    }

    /** What one worker needs: a row on its way into the store, and a block of tiles of query rows. */
    static final class Worker {
        private final int tileRows;
        private final int tileLength;
        private final MemorySegment row;
        private final MemorySegment queries;
        private final float[] scores;
        private final float[] state;
        private final MemorySegment out;
        private final MemorySegment rows;

        Worker(HeadLayout layout, int tileRows, Arena arena) {
            this.tileRows = tileRows;
            this.tileLength = tileRows * layout.headSize();
            this.row = allocate(arena, layout.headSize());
            this.queries = allocate(arena, (long) MAX_TILES * tileLength);
            this.scores = new float[MAX_TILES * tileRows * MAX_KEYS];
            this.state = new float[3 * MAX_TILES * tileRows];
            this.out = allocate(arena, (long) layout.numberOfKvHeads() * MAX_TILES * tileLength);
            this.rows = allocate(arena, (long) MAX_KEYS * layout.headSize());
        }

        private static MemorySegment allocate(Arena arena, long floats) {
            return arena.allocate(floats * Float.BYTES, ALIGNMENT);
        }

        /**
         * Prepares for the first run of keys.
         *
         * @param sink score that every row has seen before, negative infinity for none
         */
        void start(int tiles, int outputs, float sink) {
            float sum = sink == Float.NEGATIVE_INFINITY ? 0 : 1;
            for (int tile = 0; tile < tiles; tile++) {
                int maxima = stateOffset(tile);
                Arrays.fill(state, maxima, maxima + tileRows, sink);
                Arrays.fill(state, maxima + tileRows, maxima + 2 * tileRows, sum);
            }
            out.asSlice(0, (long) outputs * MAX_TILES * tileLength * Float.BYTES).fill((byte) 0);
        }

        /** {@code (headSize)}. */
        MemorySegment row() {
            return row;
        }

        /** {@code (tile, headSize, tileRows)}. */
        MemorySegment queries() {
            return queries;
        }

        long queriesOffset(int tile) {
            return (long) tile * tileLength;
        }

        /** {@code (tile, key, tileRows)}. */
        float[] scores() {
            return scores;
        }

        int scoresOffset(int tile) {
            return tile * tileRows * MAX_KEYS;
        }

        /** Of each tile maxima, sums and corrections, each {@code (tileRows)}. */
        float[] state() {
            return state;
        }

        int stateOffset(int tile) {
            return 3 * tile * tileRows;
        }

        /** {@code (output, tile, tileRows, headSize)}. */
        MemorySegment out() {
            return out;
        }

        long outOffset(int output, int tile) {
            return ((long) output * MAX_TILES + tile) * tileLength;
        }

        /** {@code (key, headSize)}: a run of stored rows as floats. */
        MemorySegment rows() {
            return rows;
        }
    }
}
