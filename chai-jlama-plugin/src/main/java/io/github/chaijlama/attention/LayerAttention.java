// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicIntegerArray;

import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.cluster.HeadGram;
import io.github.chaijlama.kernel.AttentionKernels;
import io.github.chaijlama.kv.KvStore;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.kv.PagePool;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.profile.ClusterProfile;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

/**
 * The attention of a model's layers, exact and clustered (arXiv:2403.08058): from projected queries, keys and values to
 * the rows that go into the output projection. One instance serves all layers and sequences of a model; it keeps scratch
 * memory, so one pass runs at a time.
 *
 * <p>Exact attention is clustered attention with every head its own cluster; there is one path.
 */
public final class LayerAttention implements AutoCloseable {
    /** Fewer rows than this are worth no tile, whose other rows would be computed for nothing. */
    private static final int SMALLEST_TILE = 3;
    /** Blocks of rows are as large as leaves this many tasks, enough to keep all threads busy to the end. */
    private static final int TASKS_PER_THREAD = 8;
    /** Multiply-adds below which a parallel region costs more than it saves. */
    private static final long PARALLEL_WORK = 1 << 16;

    private final HeadLayout layout;
    private final ScoreRules rules;
    private final RotaryEmbedding rotary;
    private final AttentionKernels kernels;
    private final WorkerPool workers;
    private final AttentionScratch scratch;
    private final HeadPlan exact;

    /**
     * Creates the attention of a model.
     *
     * @param rules  how scores become probabilities
     * @param rotary the model's rotary embedding, null if it has none
     */
    public LayerAttention(HeadLayout layout, ScoreRules rules, RotaryEmbedding rotary, AttentionKernels kernels,
            WorkerPool workers) {
        this.layout = layout;
        this.rules = rules;
        this.rotary = rotary;
        this.kernels = kernels;
        this.workers = workers;
        this.scratch = new AttentionScratch(layout, kernels.tileRows(), workers.threads());
        this.exact = new HeadPlan(layout, HeadClusters.identity(layout.numberOfHeads()));
    }

    /**
     * Starts an empty sequence.
     *
     * @param profile clusters per layer, checked to fit the model; null for exact attention
     * @param type    how keys and values are stored
     */
    public AttentionSequence newSequence(int numberOfLayers, ClusterProfile profile, PagePool pool, KvType type) {
        return new AttentionSequence(layout, numberOfLayers, exact, profile, pool, type);
    }

    /**
     * Runs one layer over a batch of neighbouring positions.
     *
     * @param sequence   the sequence, in a step
     * @param position   position of the batch's first row: the positions this layer has seen so far
     * @param rows       number of rows
     * @param projection the layer's projections of this batch
     * @param out        output, {@code (row, head, headSize)}
     */
    public void forward(AttentionSequence sequence, int layer, int position, int rows, QkvProjection projection,
            MemorySegment out) {
        if (sequence.store().length(layer) != position) {
            throw new IllegalStateException("layer " + layer + " has seen " + sequence.store().length(layer)
                    + " positions, the batch starts at " + position);
        }
        check(out, rows, layout.queryLength());
        check(projection.queries(), rows, layout.queryLength());
        check(projection.keys(), rows, layout.kvLength());
        check(projection.values(), rows, layout.kvLength());

        Batch batch = new Batch(sequence, layer, position, projection, out);
        int exactRows = sequence.undecidedRows(layer, position, rows);
        if (exactRows > 0) {
            attend(batch, 0, exactRows);
            if (sequence.waitsForEndOfPrompt()) {
                addProbabilities(sequence.undecided(layer), batch, exactRows);
            } else {
                collectFeatures(batch, exactRows);
            }
            if (sequence.isWindowComplete(position + exactRows)) {
                sequence.decide(layer);
            }
        }
        if (exactRows < rows) {
            attend(batch, exactRows, rows - exactRows);
        }
        if (sequence.observed(layer) != null) {
            addProbabilities(sequence.observed(layer), batch, rows);
        }
        if (sequence.observedOutputs(layer) != null) {
            new OutputComparison(layout, rules, kernels, workers).add(sequence.observedOutputs(layer),
                    sequence.store(), layer, projection, position, rows);
        }
    }

    private void addProbabilities(HeadGram gram, Batch batch, int rows) {
        try (ProbabilityProducts products = new ProbabilityProducts(layout, rules, kernels, workers)) {
            products.add(gram, batch.store(), batch.layer(), batch.projection().queries(), batch.position(), rows);
        }
    }

    /**
     * One layer's share of a step.
     *
     * @param position position of row 0
     */
    private record Batch(AttentionSequence sequence, int layer, int position, QkvProjection projection,
            MemorySegment out) {

        KvStore store() {
            return sequence.store();
        }

        HeadPlan plan() {
            return sequence.plan(layer);
        }
    }

    /** Projects, stores and attends rows that share one plan. */
    private void attend(Batch batch, int firstRow, int rows) {
        HeadPlan plan = batch.plan();
        batch.projection().project(firstRow, rows, plan.queryRuns(), plan.keyRuns());
        batch.sequence().extend(batch.layer(), batch.position() + firstRow + rows);
        storeRows(batch, plan, firstRow, rows);
        if (rows < SMALLEST_TILE) {
            for (int row = firstRow; row < firstRow + rows; row++) {
                attendRow(batch, plan, row);
            }
        } else {
            attendTiles(batch, plan, firstRow, rows);
        }
    }

    // ---- keys and values into the store, queries rotated ----

    private void storeRows(Batch batch, HeadPlan plan, int firstRow, int rows) {
        long work = (long) rows * (layout.queryLength() + 2L * layout.kvLength());
        if (work < PARALLEL_WORK) {
            for (int row = firstRow; row < firstRow + rows; row++) {
                storeRow(batch, plan, row, scratch.worker(0));
            }
        } else {
            workers.run(rows, (task, worker) -> storeRow(batch, plan, firstRow + task, scratch.worker(worker)));
        }
    }

    private void storeRow(Batch batch, HeadPlan plan, int row, AttentionScratch.Worker own) {
        KvStore store = batch.store();
        QkvProjection projection = batch.projection();
        int headSize = layout.headSize();
        int position = batch.position() + row;
        int page = position / store.rowsPerPage();
        long to = store.rowAt(position);
        long keyRow = (long) row * layout.kvLength();
        for (int kvHead = 0; kvHead < layout.numberOfKvHeads(); kvHead++) {
            kernels.storeRow(store.type(), store.values(batch.layer(), kvHead, page), to, projection.values(),
                    keyRow + (long) kvHead * headSize, headSize);
        }
        for (int kvHead : plan.keyHeads()) {
            MemorySegment key = projection.keys();
            long at = keyRow + (long) kvHead * headSize;
            if (rotary != null) {
                rotate(position, key, at, own.row(), 0);
                key = own.row();
                at = 0;
            }
            kernels.storeRow(store.type(), store.keys(batch.layer(), kvHead, page), to, key, at, headSize);
        }
        if (rotary != null) {
            long queryRow = (long) row * layout.queryLength();
            for (int cluster = 0; cluster < plan.numberOfClusters(); cluster++) {
                long at = queryRow + (long) plan.representative(cluster) * headSize;
                rotate(position, projection.queries(), at, projection.queries(), at);
            }
        }
    }

    private void rotate(int position, MemorySegment in, long inOffset, MemorySegment out, long outOffset) {
        kernels.rotate(out, outOffset, in, inOffset, rotary.rows(position), rotary.rowOffset(position),
                layout.headSize());
    }

    // ---- prefill ----

    private void attendTiles(Batch batch, HeadPlan plan, int firstRow, int rows) {
        int tileRows = kernels.tileRows();
        int tiles = (rows + tileRows - 1) / tileRows;
        int clusters = plan.numberOfClusters();
        int blockTiles = Math.clamp((long) tiles * clusters / (TASKS_PER_THREAD * workers.threads()), 1,
                AttentionScratch.MAX_TILES);
        int blockRows = blockTiles * tileRows;
        int blocks = (rows + blockRows - 1) / blockRows;
        // The last blocks see the most keys; taking them first leaves small tasks to even out the end.
        workers.run(blocks * clusters, (task, worker) -> {
            int first = (blocks - 1 - task / clusters) * blockRows;
            attendBlock(new Block(batch, plan, task % clusters, firstRow + first, Math.min(blockRows, rows - first)),
                    scratch.worker(worker));
        });
    }

    /**
     * A block of tiles of one cluster.
     *
     * @param firstRow its first row in the batch
     * @param rows     number of rows, not necessarily whole tiles
     */
    private record Block(Batch batch, HeadPlan plan, int cluster, int firstRow, int rows) {

        int firstPosition() {
            return batch.position() + firstRow;
        }

        int layer() {
            return batch.layer();
        }

        KvStore store() {
            return batch.store();
        }

        HeadPlan.Output[] outputs() {
            return plan.outputsOfCluster(cluster);
        }
    }

    /** A block of rows against all keys they see, and every output that uses its probabilities. */
    private void attendBlock(Block block, AttentionScratch.Worker own) {
        KvStore store = block.store();
        int tileRows = kernels.tileRows();
        int tiles = (block.rows() + tileRows - 1) / tileRows;
        int numberOfKeys = block.firstPosition() + block.rows();
        transposeQueries(block, tiles, own);
        own.start(tiles, block.outputs().length);
        int firstKey = rules.firstKey(block.layer(), block.firstPosition());
        while (firstKey < numberOfKeys) {
            int endOfPage = (firstKey / store.rowsPerPage() + 1) * store.rowsPerPage();
            int keys = Math.min(AttentionScratch.MAX_KEYS, Math.min(endOfPage, numberOfKeys) - firstKey);
            attendKeys(block, tiles, firstKey, keys, own);
            firstKey += keys;
        }
        HeadPlan.Output[] outputs = block.outputs();
        for (int i = 0; i < outputs.length; i++) {
            for (int head : outputs[i].heads()) {
                for (int tile = 0; tile < tiles; tile++) {
                    long row = (long) block.firstRow() + tile * tileRows;
                    kernels.normalizeTile(block.batch().out(),
                            row * layout.queryLength() + (long) head * layout.headSize(), layout.queryLength(),
                            own.out(), own.outOffset(i, tile), own.state(), own.stateOffset(tile),
                            Math.min(tileRows, block.rows() - tile * tileRows), layout.headSize());
                }
            }
        }
    }

    private void transposeQueries(Block block, int tiles, AttentionScratch.Worker own) {
        int tileRows = kernels.tileRows();
        int representative = block.plan().representative(block.cluster());
        for (int tile = 0; tile < tiles; tile++) {
            long row = (long) block.firstRow() + tile * tileRows;
            kernels.transposeTile(own.queries(), own.queriesOffset(tile), block.batch().projection().queries(),
                    row * layout.queryLength() + (long) representative * layout.headSize(), layout.queryLength(),
                    Math.min(tileRows, block.rows() - tile * tileRows), layout.headSize());
        }
    }

    /** Takes a run of keys of one page into the tiles that see it. */
    private void attendKeys(Block block, int tiles, int firstKey, int keys, AttentionScratch.Worker own) {
        KvStore store = block.store();
        int tileRows = kernels.tileRows();
        int headSize = layout.headSize();
        int page = firstKey / store.rowsPerPage();
        int keyHead = layout.kvHead(block.plan().representative(block.cluster()));
        MemorySegment keyRows = store.keys(block.layer(), keyHead, page);
        long keysOffset = loadRows(store, keyRows, firstKey, keys, own);
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
            if (rules.firstKey(block.layer(), position + tileRows - 1) > firstKey) {
                // The window moves by a key from row to row once it is full.
                kernels.hideTile(own.scores(), at, keys, position - rules.windows().get(block.layer()) + 1 - firstKey);
            }
            kernels.softmaxTile(own.scores(), at, own.state(), own.stateOffset(tile), keys, position + 1 - firstKey);
        }
        HeadPlan.Output[] outputs = block.outputs();
        for (int i = 0; i < outputs.length; i++) {
            MemorySegment valueRows = store.values(block.layer(), outputs[i].valueHead(), page);
            long valuesOffset = loadRows(store, valueRows, firstKey, keys, own);
            valueRows = store.type() == KvType.F32 ? valueRows : own.rows();
            for (int tile = firstTile; tile < tiles; tile++) {
                kernels.weightedSumTile(own.out(), own.outOffset(i, tile), own.state(), own.stateOffset(tile),
                        own.scores(), own.scoresOffset(tile), valueRows, valuesOffset, keys, headSize);
            }
        }
    }

    /** Turns rows of a page into floats, where they are not; returns the offset of the first one, in floats. */
    private long loadRows(KvStore store, MemorySegment page, int first, int rows, AttentionScratch.Worker own) {
        if (store.type() == KvType.F32) {
            return store.rowAt(first) / Float.BYTES;
        }
        kernels.loadRows(own.rows(), 0, store.type(), page, store.rowAt(first), rows, layout.headSize());
        return 0;
    }

    // ---- decode ----

    private void attendRow(Batch batch, HeadPlan plan, int row) {
        int numberOfKeys = batch.position() + row + 1;
        MemorySegment scores = scratch.scores(numberOfKeys);
        int visible = numberOfKeys - rules.firstKey(batch.layer(), numberOfKeys - 1);
        long work = (long) visible * layout.headSize() * (plan.numberOfClusters() + layout.numberOfHeads());
        int kvHeads = layout.numberOfKvHeads();
        int keyHeads = plan.keyHeads().length;
        if (work < PARALLEL_WORK) {
            for (int i = 0; i < keyHeads; i++) {
                scoreRow(batch, plan, row, i, scores);
            }
            for (int kvHead = 0; kvHead < kvHeads; kvHead++) {
                sumRow(batch, plan, row, kvHead, scores);
            }
        } else if (plan.readsOwnHeadsOnly()) {
            workers.run(keyHeads, (task, worker) -> {
                scoreRow(batch, plan, row, task, scores);
                sumRow(batch, plan, row, plan.keyHeads()[task], scores);
            });
        } else {
            attendRowOfClusters(batch, plan, row, scores);
        }
    }

    /**
     * One region for scores and sums: tasks begin in order, so all scores have been begun when the first sum is, and whoever
     * needs some that are not finished waits for less than it takes to open another region.
     */
    private void attendRowOfClusters(Batch batch, HeadPlan plan, int row, MemorySegment scores) {
        int keyHeads = plan.keyHeads().length;
        AtomicIntegerArray scored = scratch.scored();
        for (int cluster = 0; cluster < plan.numberOfClusters(); cluster++) {
            scored.set(cluster, 0);
        }
        workers.run(keyHeads + layout.numberOfKvHeads(), (task, worker) -> {
            if (task < keyHeads) {
                try {
                    scoreRow(batch, plan, row, task, scores);
                } finally {
                    for (int cluster : plan.clustersOfKeyHead(task)) {
                        scored.set(cluster, 1);
                    }
                }
            } else {
                for (HeadPlan.Output output : plan.outputsOfValueHead(task - keyHeads)) {
                    while (scored.get(output.cluster()) == 0) {
                        Thread.onSpinWait();
                    }
                }
                sumRow(batch, plan, row, task - keyHeads, scores);
            }
        });
    }

    /** Probabilities of every cluster whose representative reads one head's keys. */
    private void scoreRow(Batch batch, HeadPlan plan, int row, int keyHeadIndex, MemorySegment scores) {
        KvStore store = batch.store();
        int headSize = layout.headSize();
        int keyHead = plan.keyHeads()[keyHeadIndex];
        int numberOfKeys = batch.position() + row + 1;
        int firstVisible = rules.firstKey(batch.layer(), numberOfKeys - 1);
        for (int firstKey = firstVisible; firstKey < numberOfKeys;) {
            int page = firstKey / store.rowsPerPage();
            int end = Math.min((page + 1) * store.rowsPerPage(), numberOfKeys);
            for (int cluster : plan.clustersOfKeyHead(keyHeadIndex)) {
                kernels.scores(scores, scratch.scoresOffset(cluster) + firstKey, batch.projection().queries(),
                        (long) row * layout.queryLength() + (long) plan.representative(cluster) * headSize,
                        store.type(), store.keys(batch.layer(), keyHead, page), store.rowAt(firstKey), end - firstKey,
                        headSize, rules.scale());
            }
            firstKey = end;
        }
        for (int cluster : plan.clustersOfKeyHead(keyHeadIndex)) {
            long at = scratch.scoresOffset(cluster) + firstVisible;
            if (rules.softCap() > 0) {
                kernels.softCap(scores, at, numberOfKeys - firstVisible, rules.softCap());
            }
            kernels.softmax(scores, at, numberOfKeys - firstVisible);
        }
    }

    /** Outputs that are sums of one head's values. */
    private void sumRow(Batch batch, HeadPlan plan, int row, int kvHead, MemorySegment probabilities) {
        KvStore store = batch.store();
        int headSize = layout.headSize();
        HeadPlan.Output[] outputs = plan.outputsOfValueHead(kvHead);
        int numberOfKeys = batch.position() + row + 1;
        MemorySegment out = batch.out();
        long outRow = (long) row * layout.queryLength();
        for (HeadPlan.Output output : outputs) {
            copy(scratch.zeros(), 0, out, outRow + (long) output.heads()[0] * headSize);
        }
        for (int firstKey = rules.firstKey(batch.layer(), numberOfKeys - 1); firstKey < numberOfKeys;) {
            int page = firstKey / store.rowsPerPage();
            int end = Math.min((page + 1) * store.rowsPerPage(), numberOfKeys);
            for (HeadPlan.Output output : outputs) {
                kernels.weightedSum(out, outRow + (long) output.heads()[0] * headSize, probabilities,
                        scratch.scoresOffset(output.cluster()) + firstKey, store.type(),
                        store.values(batch.layer(), kvHead, page), store.rowAt(firstKey), end - firstKey, headSize);
            }
            firstKey = end;
        }
        for (HeadPlan.Output output : outputs) {
            for (int i = 1; i < output.heads().length; i++) {
                copy(out, outRow + (long) output.heads()[0] * headSize, out,
                        outRow + (long) output.heads()[i] * headSize);
            }
        }
    }

    private void copy(MemorySegment in, long inOffset, MemorySegment out, long outOffset) {
        MemorySegment.copy(in, inOffset * Float.BYTES, out, outOffset * Float.BYTES,
                (long) layout.headSize() * Float.BYTES);
    }

    // ---- membership ----

    /** Adds the window's rows to the features: each head's probabilities, in double (arXiv:2403.08058, section 3.3). */
    private void collectFeatures(Batch batch, int rows) {
        HeadGram features = batch.sequence().undecided(batch.layer());
        double[][] probabilities = new double[layout.numberOfHeads()][];
        for (int row = 0; row < rows; row++) {
            if (batch.sequence().isInWindow(batch.position() + row)) {
                for (int head = 0; head < probabilities.length; head++) {
                    probabilities[head] = probabilities(batch, row, head);
                }
                features.append(probabilities);
            }
        }
    }

    private double[] probabilities(Batch batch, int row, int head) {
        KvStore store = batch.store();
        int headSize = layout.headSize();
        long queryOffset = (long) row * layout.queryLength() + (long) head * headSize;
        double[] probabilities = new double[batch.position() + row + 1];
        int firstVisible = rules.firstKey(batch.layer(), batch.position() + row);
        double max = Double.NEGATIVE_INFINITY;
        for (int key = firstVisible; key < probabilities.length; key++) {
            MemorySegment keys = store.keys(batch.layer(), layout.kvHead(head), key / store.rowsPerPage());
            kernels.loadRows(scratch.worker(0).row(), 0, store.type(), keys, store.rowAt(key), 1, headSize);
            double score = rules.scale() * dot(batch.projection().queries(), queryOffset, scratch.worker(0).row(), 0,
                    headSize);
            probabilities[key] = rules.softCap() > 0 ? rules.softCap() * Math.tanh(score / rules.softCap()) : score;
            max = Math.max(max, probabilities[key]);
        }
        double sum = 0;
        for (int key = firstVisible; key < probabilities.length; key++) {
            probabilities[key] = Math.exp(probabilities[key] - max);
            sum += probabilities[key];
        }
        for (int key = firstVisible; key < probabilities.length; key++) {
            probabilities[key] /= sum;
        }
        return probabilities;
    }

    private static double dot(MemorySegment x, long xOffset, MemorySegment y, long yOffset, int length) {
        double sum = 0;
        for (int i = 0; i < length; i++) {
            sum += (double) x.getAtIndex(JAVA_FLOAT, xOffset + i) * y.getAtIndex(JAVA_FLOAT, yOffset + i);
        }
        return sum;
    }

    private static void check(MemorySegment segment, int rows, int length) {
        Objects.checkFromIndexSize(0, (long) rows * length * Float.BYTES, segment.byteSize());
    }

    @Override
    public void close() {
        scratch.close();
    }
}
