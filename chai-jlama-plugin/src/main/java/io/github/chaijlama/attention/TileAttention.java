// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.lang.foreign.MemorySegment;

import io.github.chaijlama.kernel.AttentionKernels;
import io.github.chaijlama.kv.KvStore;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.model.HeadLayout;
import io.github.chaijlama.model.ScoreRules;
import io.github.chaijlama.parallel.WorkerPool;

/**
 * Attention of many rows at once: tiles of query rows against runs of keys, with the softmax that goes along (Milakov
 * and Gimelshein, arXiv:1805.02867; FlashAttention, arXiv:2205.14135). Probabilities are computed once for a cluster
 * and applied to the values of all its heads while they are in the cache. One pass at a time, as scratch memory is
 * shared.
 *
 * <p>Runs of keys begin and end at fixed positions, and a key that a row does not see adds an exact zero to its sums.
 * So a row's result does not depend on which rows share its tile, its block or its call.
 */
final class TileAttention {
    /** Blocks of rows are as large as leaves this many tasks, enough to keep all threads busy to the end. */
    private static final int TASKS_PER_THREAD = 8;

    private final HeadLayout layout;
    private final AttentionKernels kernels;
    private final WorkerPool workers;
    private final AttentionScratch scratch;

    TileAttention(HeadLayout layout, AttentionKernels kernels, WorkerPool workers, AttentionScratch scratch) {
        this.layout = layout;
        this.kernels = kernels;
        this.workers = workers;
        this.scratch = scratch;
    }

    /** Attends rows whose keys and values are stored. */
    void attend(LayerInput input) {
        int rows = input.rows();
        int tileRows = kernels.tileRows();
        int tiles = (rows + tileRows - 1) / tileRows;
        int clusters = input.plan().numberOfClusters();
        int blockTiles = Math.clamp((long) tiles * clusters / ((long) TASKS_PER_THREAD * workers.threads()), 1,
                AttentionScratch.MAX_TILES);
        int blockRows = blockTiles * tileRows;
        int blocks = (rows + blockRows - 1) / blockRows;
        // The last blocks see the most keys; taking them first leaves small tasks to even out the end.
        workers.run(blocks * clusters, (task, worker) -> {
            int first = (blocks - 1 - task / clusters) * blockRows;
            attendBlock(new Block(input, task % clusters, first, Math.min(blockRows, rows - first)),
                    scratch.worker(worker));
        });
    }

    /**
     * A block of tiles of one cluster.
     *
     * @param firstRow its first row in the input
     * @param rows     number of rows, not necessarily whole tiles
     */
    private record Block(LayerInput input, int cluster, int firstRow, int rows) {

        int firstPosition() {
            return input.position() + firstRow;
        }

        int layer() {
            return input.kvLayer();
        }

        ScoreRules rules() {
            return input.scores().rules();
        }

        float sink() {
            return input.scores().sink(representative());
        }

        KvStore store() {
            return input.store();
        }

        int representative() {
            return input.plan().representative(cluster);
        }

        HeadPlan.Output[] outputs() {
            return input.plan().outputsOfCluster(cluster);
        }
    }

    /** A block of rows against all keys they see, and every output that uses its probabilities. */
    private void attendBlock(Block block, AttentionScratch.Worker own) {
        KvStore store = block.store();
        int tileRows = kernels.tileRows();
        int tiles = (block.rows() + tileRows - 1) / tileRows;
        int numberOfKeys = block.firstPosition() + block.rows();
        transposeQueries(block, tiles, own);
        own.start(tiles, block.outputs().length, block.sink());
        int firstKey = block.rules().firstKey(block.firstPosition());
        while (firstKey < numberOfKeys) {
            int end = Math.min(endOfRun(firstKey, store.rowsPerPage(block.layer())), numberOfKeys);
            attendKeys(block, tiles, firstKey, end - firstKey, own);
            firstKey = end;
        }
        HeadPlan.Output[] outputs = block.outputs();
        for (int i = 0; i < outputs.length; i++) {
            for (int head : outputs[i].heads()) {
                for (int tile = 0; tile < tiles; tile++) {
                    long row = block.firstRow() + (long) tile * tileRows;
                    kernels.normalizeTile(block.input().out().memory(),
                            row * layout.queryLength() + (long) head * layout.headSize(), layout.queryLength(),
                            own.out(), own.outOffset(i, tile), own.state(), own.stateOffset(tile),
                            Math.min(tileRows, block.rows() - tile * tileRows), layout.headSize());
                }
            }
        }
    }

    /** Runs are as long as a block takes in at once, from the beginning of each page. */
    private static int endOfRun(int key, int rowsPerPage) {
        int page = key / rowsPerPage * rowsPerPage;
        int run = (key - page) / AttentionScratch.MAX_KEYS;
        return page + Math.min(rowsPerPage, (run + 1) * AttentionScratch.MAX_KEYS);
    }

    private void transposeQueries(Block block, int tiles, AttentionScratch.Worker own) {
        int tileRows = kernels.tileRows();
        for (int tile = 0; tile < tiles; tile++) {
            long row = block.firstRow() + (long) tile * tileRows;
            kernels.transposeTile(own.queries(), own.queriesOffset(tile), block.input().queries().memory(),
                    row * layout.queryLength() + (long) block.representative() * layout.headSize(),
                    layout.queryLength(),
                    Math.min(tileRows, block.rows() - tile * tileRows), layout.headSize());
        }
    }

    /** Takes a run of keys of one page into the tiles that see it. */
    private void attendKeys(Block block, int tiles, int firstKey, int keys, AttentionScratch.Worker own) {
        KvStore store = block.store();
        ScoreRules rules = block.rules();
        int tileRows = kernels.tileRows();
        int headSize = layout.headSize();
        int page = firstKey / store.rowsPerPage(block.layer());
        int keyHead = layout.kvHead(block.representative());
        MemorySegment keyRows = store.keys(block.layer(), keyHead, page);
        long firstAt = store.rowAt(block.layer(), firstKey);
        long keysOffset = loadRows(store, keyRows, firstAt, keys, own);
        keyRows = store.type() == KvType.F32 ? keyRows : own.rows();
        int firstTile = Math.max(0, firstKey - block.firstPosition()) / tileRows;
        for (int tile = firstTile; tile < tiles; tile++) {
            int position = block.firstPosition() + tile * tileRows;
            int at = own.scoresOffset(tile);
            kernels.scoresTile(own.scores(), at, own.queries(), own.queriesOffset(tile), keyRows, keysOffset, keys,
                    headSize, rules.scale());
            if (rules.softCap() > 0) {
                kernels.softCapTile(own.scores(), at, keys, rules.softCap());
            }
            if (rules.firstKey(position + tileRows - 1) > firstKey) {
                // The window moves by a key from row to row once it is full.
                kernels.hideTile(own.scores(), at, keys, position - rules.window() + 1 - firstKey);
            }
            kernels.softmaxTile(own.scores(), at, own.state(), own.stateOffset(tile), keys, position + 1 - firstKey);
        }
        HeadPlan.Output[] outputs = block.outputs();
        for (int i = 0; i < outputs.length; i++) {
            MemorySegment valueRows = store.values(block.layer(), outputs[i].valueHead(), page);
            long valuesOffset = loadRows(store, valueRows, firstAt, keys, own);
            valueRows = store.type() == KvType.F32 ? valueRows : own.rows();
            for (int tile = firstTile; tile < tiles; tile++) {
                kernels.weightedSumTile(own.out(), own.outOffset(i, tile), own.state(), own.stateOffset(tile),
                        own.scores(), own.scoresOffset(tile), valueRows, valuesOffset, keys, headSize);
            }
        }
    }

    /**
     * Turns rows of a page into floats, where they are not; returns the offset of the first one, in floats.
     *
     * @param firstAt offset of the first one in the page, in bytes
     */
    private long loadRows(KvStore store, MemorySegment page, long firstAt, int rows, AttentionScratch.Worker own) {
        if (store.type() == KvType.F32) {
            return firstAt / Float.BYTES;
        }
        kernels.loadRows(own.rows(), 0, store.type(), page, firstAt, rows, layout.headSize());
        return 0;
    }
}
