// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.util.List;
import java.util.stream.IntStream;

import io.github.chaijlama.kernel.AttentionKernels;
import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.kv.KvStore;
import io.github.chaijlama.model.HeadLayout;
import io.github.chaijlama.parallel.WorkerPool;

/**
 * The attention of layers whose heads are alike, exact and clustered (arXiv:2403.08058): from projected and rotated
 * queries, keys and values to the rows that go into the output projection. One instance serves all these layers of a
 * model, and all its sequences; it keeps scratch memory, so one pass runs at a time.
 *
 * <p>Exact attention is clustered attention with every head its own cluster; there is one path.
 */
public final class LayerAttention implements AutoCloseable {
    private final HeadLayout layout;
    private final AttentionKernels kernels;
    private final WorkerPool workers;
    private final AttentionScratch scratch;
    private final ProbabilityRows probabilities;
    private final TileAttention tiles;
    private final RowAttention singleRows;
    /** Each head alone, for those who ask for its probabilities. */
    private final int[][] everyHead;

    LayerAttention(HeadLayout layout, AttentionKernels kernels, WorkerPool workers) {
        this.layout = layout;
        this.kernels = kernels;
        this.workers = workers;
        this.scratch = new AttentionScratch(layout, kernels.tileRows(), workers.threads());
        this.probabilities = new ProbabilityRows(kernels, layout.headSize());
        this.tiles = new TileAttention(layout, kernels, workers, scratch);
        this.singleRows = new RowAttention(layout, probabilities, workers, scratch);
        this.everyHead = IntStream.range(0, layout.numberOfHeads()).mapToObj(head -> new int[]{ head })
                .toArray(int[][]::new);
    }

    /**
     * Returns the part of a step that begins with a row.
     *
     * @param sequences the rows of the step, in order, without gaps
     * @param firstRow  0, or the end of the part before
     */
    public AttentionPart part(List<SequenceRows> sequences, int layer, int firstRow) {
        return AttentionPart.from(firstRow, sequences, layer);
    }

    /**
     * Stores keys and values of a part's rows, where the layer has its own, and attends to what each of them sees.
     *
     * @param scores  how the layer's scores become probabilities
     * @param queries {@code (row of the step, head, headSize)}, rotated; heads not in the part's runs may be undefined
     * @param keys    {@code (row of the step, kvHead, headSize)}, rotated; as above
     * @param values  {@code (row of the step, kvHead, headSize)}
     * @param out     output, {@code (row of the step, head, headSize)}
     */
    public void attend(AttentionPart part, int layer, HeadScores scores, Rows queries, Rows keys, Rows values,
            Rows out) {
        for (AttentionPart.Slice slice : part.slices()) {
            LayerInput input = input(slice, layer, scores, queries, out);
            if (input.kvLayer() == layer) {
                store(input, keys.rows(slice.firstRow(), slice.rows()), values.rows(slice.firstRow(), slice.rows()));
            }
            if (slice.sequence().rowOrder().isOfTiles(slice.rows())) {
                tiles.attend(input);
            } else {
                for (int row = 0; row < slice.rows(); row++) {
                    singleRows.attend(input, row);
                }
            }
        }
    }

    /**
     * Takes what a part's rows say about which heads belong together, decides it where that is enough, and shows the
     * rows to the sequences' observers. Called once the part is attended.
     *
     * @param queries as for {@link #attend}
     */
    public void observe(AttentionPart part, int layer, HeadScores scores, Rows queries) {
        for (AttentionPart.Slice slice : part.slices()) {
            AttentionSequence sequence = slice.sequence();
            if (!slice.undecided() && sequence.observers().isEmpty()) {
                continue;
            }
            AttendedRows rows = new AttendedRows(layout, probabilities, workers,
                    input(slice, layer, scores, queries, queries), everyHead);
            if (slice.undecided()) {
                SequenceMembership membership = sequence.membership();
                int skipped = membership.firstInWindow(slice.position()) - slice.position();
                HeadFeatures.add(membership.undecided(layer).orElseThrow(), rows, skipped,
                        Math.max(0, slice.rows() - skipped));
                if (membership.isWindowComplete(slice.position() + slice.rows())) {
                    sequence.decide(layer);
                }
            }
            for (AttentionObserver observer : sequence.observers()) {
                observer.observe(rows);
            }
        }
    }

    private static LayerInput input(AttentionPart.Slice slice, int layer, HeadScores scores, Rows queries, Rows out) {
        return new LayerInput(slice.sequence(), layer, scores, slice.plan(), slice.position(),
                queries.rows(slice.firstRow(), slice.rows()), out.rows(slice.firstRow(), slice.rows()));
    }

    private void store(LayerInput input, Rows keys, Rows values) {
        int seen = input.store().length(input.layer());
        if (seen != input.position()) {
            throw new IllegalStateException("layer " + input.layer() + " has seen " + seen
                    + " positions, the rows start at " + input.position());
        }
        input.sequence().extend(input.layer(), input.position() + input.rows(), input.scores().rules().window());
        storeRows(input, keys, values);
    }

    private void storeRows(LayerInput input, Rows keys, Rows values) {
        long work = (long) input.rows() * 2 * layout.kvLength();
        if (work < RowAttention.PARALLEL_WORK) {
            for (int row = 0; row < input.rows(); row++) {
                storeRow(input, keys, values, row);
            }
        } else {
            workers.run(input.rows(), (row, worker) -> storeRow(input, keys, values, row));
        }
    }

    private void storeRow(LayerInput input, Rows keys, Rows values, int row) {
        KvStore store = input.store();
        int headSize = layout.headSize();
        int position = input.position() + row;
        int page = position / store.rowsPerPage(input.layer());
        long to = store.rowAt(input.layer(), position);
        for (int kvHead = 0; kvHead < layout.numberOfKvHeads(); kvHead++) {
            kernels.storeRow(store.type(), store.values(input.layer(), kvHead, page), to, values.memory(),
                    values.at(row) + (long) kvHead * headSize, headSize);
        }
        for (int kvHead : input.plan().keptKeyHeads()) {
            kernels.storeRow(store.type(), store.keys(input.layer(), kvHead, page), to, keys.memory(),
                    keys.at(row) + (long) kvHead * headSize, headSize);
        }
    }

    @Override
    public void close() {
        scratch.close();
    }
}
