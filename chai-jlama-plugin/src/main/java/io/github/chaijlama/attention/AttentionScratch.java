// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import io.github.chaijlama.kv.KvStore;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

/** Working memory of one pass, kept for the next: a tile per worker, and rows of scores that grow with the longest sequence. */
final class AttentionScratch implements AutoCloseable {
    private static final long ALIGNMENT = 64;
    private static final int FLOATS_PER_LINE = 16;

    private final HeadLayout layout;
    private final Arena arena = Arena.ofShared();
    private final Tile[] tiles;
    private Arena scoresArena = Arena.ofShared();
    private MemorySegment scores = MemorySegment.NULL;
    private int scoresLength;

    AttentionScratch(HeadLayout layout, int tileRows, int workers) {
        this.layout = layout;
        this.tiles = new Tile[workers];
        for (int worker = 0; worker < workers; worker++) {
            tiles[worker] = new Tile(layout, tileRows, arena);
        }
    }

    /** Returns the tile of a worker. */
    Tile tile(int worker) {
        return tiles[worker];
    }

    /** Returns memory for one row of scores per cluster, each at {@link #scoresOffset}; contents are undefined. */
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

    /** What one worker needs for a tile of query rows. */
    static final class Tile {
        private final int tileRows;
        private final int outLength;
        private final MemorySegment queries;
        private final MemorySegment scores;
        private final MemorySegment state;
        private final MemorySegment out;

        Tile(HeadLayout layout, int tileRows, Arena arena) {
            this.tileRows = tileRows;
            this.outLength = tileRows * layout.headSize();
            this.queries = allocate(arena, outLength);
            this.scores = allocate(arena, (long) tileRows * KvStore.MAX_ROWS_PER_PAGE);
            this.state = allocate(arena, 3L * tileRows);
            this.out = allocate(arena, (long) layout.numberOfKvHeads() * outLength);
        }

        private static MemorySegment allocate(Arena arena, long floats) {
            return arena.allocate(floats * Float.BYTES, ALIGNMENT);
        }

        /** Prepares for the first run of keys. */
        void start(int outputs) {
            for (int row = 0; row < tileRows; row++) {
                state.setAtIndex(JAVA_FLOAT, row, Float.NEGATIVE_INFINITY);
                state.setAtIndex(JAVA_FLOAT, tileRows + row, 0);
            }
            out.asSlice(0, (long) outputs * outLength * Float.BYTES).fill((byte) 0);
        }

        /** {@code (headSize, tileRows)}. */
        MemorySegment queries() {
            return queries;
        }

        /** {@code (key, tileRows)}. */
        MemorySegment scores() {
            return scores;
        }

        /** Maxima, sums and corrections, each {@code (tileRows)}. */
        MemorySegment state() {
            return state;
        }

        long sumsOffset() {
            return tileRows;
        }

        long correctionsOffset() {
            return 2L * tileRows;
        }

        /** {@code (output, tileRows, headSize)}. */
        MemorySegment out() {
            return out;
        }

        long outOffset(int output) {
            return (long) output * outLength;
        }
    }
}
