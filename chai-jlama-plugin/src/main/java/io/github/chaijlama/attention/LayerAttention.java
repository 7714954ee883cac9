// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.cluster.HeadGram;
import io.github.chaijlama.kernel.AttentionKernels;
import io.github.chaijlama.kv.KvStore;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.kv.PagePool;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.profile.ClusterProfile;

/**
 * The attention of a model's layers, exact and clustered (arXiv:2403.08058): from projected queries, keys and values to
 * the rows that go into the output projection. One instance serves all layers and sequences of a model; it keeps
 * scratch memory, so one pass runs at a time.
 *
 * <p>Exact attention is clustered attention with every head its own cluster; there is one path.
 */
public final class LayerAttention implements AutoCloseable {
    /** Fewer rows than this are worth no tile, whose other rows would be computed for nothing. */
    private static final int SMALLEST_TILE = 3;

    private final HeadLayout layout;
    private final ScoreRules rules;
    private final RotaryEmbedding rotary;
    private final AttentionKernels kernels;
    private final WorkerPool workers;
    private final AttentionScratch scratch;
    private final HeadPlan exact;
    private final TileAttention tiles;
    private final RowAttention singleRows;
    private final WindowFeatures features;

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
        this.tiles = new TileAttention(layout, rules, kernels, workers, scratch);
        this.singleRows = new RowAttention(layout, rules, kernels, workers, scratch);
        this.features = new WindowFeatures(layout, rules, kernels, scratch.worker(0));
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
                features.collect(batch, exactRows);
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

    /** Projects, stores and attends rows that share one plan. */
    private void attend(Batch batch, int firstRow, int rows) {
        HeadPlan plan = batch.plan();
        batch.projection().project(firstRow, rows, plan.queryRuns(), plan.keyRuns());
        batch.sequence().extend(batch.layer(), batch.position() + firstRow + rows);
        storeRows(batch, plan, firstRow, rows);
        if (rows < SMALLEST_TILE) {
            for (int row = firstRow; row < firstRow + rows; row++) {
                singleRows.attend(batch, plan, row);
            }
        } else {
            tiles.attend(batch, plan, firstRow, rows);
        }
    }

    // ---- keys and values into the store, queries rotated ----

    private void storeRows(Batch batch, HeadPlan plan, int firstRow, int rows) {
        long work = (long) rows * (layout.queryLength() + 2L * layout.kvLength());
        if (work < RowAttention.PARALLEL_WORK) {
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

    private static void check(MemorySegment segment, int rows, int length) {
        Objects.checkFromIndexSize(0, (long) rows * length * Float.BYTES, segment.byteSize());
    }

    @Override
    public void close() {
        scratch.close();
    }
}
