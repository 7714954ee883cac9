// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicIntegerArray;

import io.github.chaijlama.model.HeadLayout;
import io.github.chaijlama.parallel.WorkerPool;

/**
 * Attention of one row, as in decoding: one pass over the keys and one over the values of a layer, in one parallel
 * region. One pass at a time, as scratch memory is shared.
 */
final class RowAttention {
    /** Multiply-adds below which a parallel region costs more than it saves. */
    static final long PARALLEL_WORK = 1 << 16;

    private final HeadLayout layout;
    private final ProbabilityRows probabilities;
    private final WorkerPool workers;
    private final AttentionScratch scratch;

    RowAttention(HeadLayout layout, ProbabilityRows probabilities, WorkerPool workers, AttentionScratch scratch) {
        this.layout = layout;
        this.probabilities = probabilities;
        this.workers = workers;
        this.scratch = scratch;
    }

    /** Attends a row whose keys and values are stored. */
    void attend(LayerInput input, int row) {
        HeadPlan plan = input.plan();
        int numberOfKeys = input.position() + row + 1;
        MemorySegment scores = scratch.scores(numberOfKeys);
        int visible = numberOfKeys - input.scores().firstKey(numberOfKeys - 1);
        long work = (long) visible * layout.headSize() * (plan.numberOfClusters() + layout.numberOfHeads());
        int kvHeads = layout.numberOfKvHeads();
        int keyHeads = plan.keyHeads().length;
        if (work < PARALLEL_WORK) {
            for (int i = 0; i < keyHeads; i++) {
                scoreRow(input, row, i, scores);
            }
            for (int kvHead = 0; kvHead < kvHeads; kvHead++) {
                sumRow(input, row, kvHead, scores);
            }
        } else if (plan.readsOwnHeadsOnly()) {
            workers.run(keyHeads, (task, worker) -> {
                scoreRow(input, row, task, scores);
                sumRow(input, row, plan.keyHeads()[task], scores);
            });
        } else {
            attendRowOfClusters(input, row, scores);
        }
    }

    /**
     * One region for scores and sums: tasks begin in order, so all scores have been begun when the first sum is, and
     * whoever needs some that are not finished waits for less than it takes to open another region.
     */
    private void attendRowOfClusters(LayerInput input, int row, MemorySegment scores) {
        HeadPlan plan = input.plan();
        int keyHeads = plan.keyHeads().length;
        AtomicIntegerArray scored = scratch.scored();
        for (int cluster = 0; cluster < plan.numberOfClusters(); cluster++) {
            scored.set(cluster, 0);
        }
        workers.run(keyHeads + layout.numberOfKvHeads(), (task, worker) -> {
            if (task < keyHeads) {
                try {
                    scoreRow(input, row, task, scores);
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
                sumRow(input, row, task - keyHeads, scores);
            }
        });
    }

    /** Probabilities of every cluster whose representative reads one head's keys. */
    private void scoreRow(LayerInput input, int row, int keyHeadIndex, MemorySegment scores) {
        HeadPlan plan = input.plan();
        int[] clusters = plan.clustersOfKeyHead(keyHeadIndex);
        long[] at = new long[clusters.length];
        for (int i = 0; i < at.length; i++) {
            at[i] = scratch.scoresOffset(clusters[i]);
        }
        probabilities.calculate(scores, at, input.store(), input.kvLayer(), plan.keyHeads()[keyHeadIndex],
                input.scores(),
                input.position() + row, input.queries().memory(), input.queries().at(row),
                plan.representativesOfKeyHead(keyHeadIndex));
    }

    /** Outputs that are sums of one head's values. */
    private void sumRow(LayerInput input, int row, int kvHead, MemorySegment scores) {
        MemorySegment out = input.out().memory();
        HeadPlan.Output[] outputs = input.plan().outputsOfValueHead(kvHead);
        long[] at = new long[outputs.length];
        long[] weightsAt = new long[outputs.length];
        for (int i = 0; i < outputs.length; i++) {
            at[i] = outAt(input, row, outputs[i].heads()[0]);
            weightsAt[i] = scratch.scoresOffset(outputs[i].cluster());
            copy(scratch.zeros(), 0, out, at[i]);
        }
        probabilities.addValues(out, at, scores, weightsAt, input.store(), input.kvLayer(), kvHead, input.scores(),
                input.position() + row);
        for (int i = 0; i < outputs.length; i++) {
            for (int other = 1; other < outputs[i].heads().length; other++) {
                copy(out, at[i], out, outAt(input, row, outputs[i].heads()[other]));
            }
        }
    }

    private long outAt(LayerInput input, int row, int head) {
        return input.out().at(row) + (long) head * layout.headSize();
    }

    private void copy(MemorySegment in, long inOffset, MemorySegment out, long outOffset) {
        MemorySegment.copy(in, inOffset * Float.BYTES, out, outOffset * Float.BYTES,
                (long) layout.headSize() * Float.BYTES);
    }
}
