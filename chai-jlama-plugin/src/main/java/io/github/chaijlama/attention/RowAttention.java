// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicIntegerArray;

import io.github.chaijlama.kernel.AttentionKernels;
import io.github.chaijlama.kv.KvStore;
import io.github.chaijlama.parallel.WorkerPool;

/**
 * Attention of one row, as in decoding: one pass over the keys and one over the values of a layer, in one parallel
 * region. One pass at a time, as scratch memory is shared.
 */
final class RowAttention {
    /** Multiply-adds below which a parallel region costs more than it saves. */
    static final long PARALLEL_WORK = 1 << 16;

    private final HeadLayout layout;
    private final ScoreRules rules;
    private final AttentionKernels kernels;
    private final WorkerPool workers;
    private final AttentionScratch scratch;

    RowAttention(HeadLayout layout, ScoreRules rules, AttentionKernels kernels, WorkerPool workers,
            AttentionScratch scratch) {
        this.layout = layout;
        this.rules = rules;
        this.kernels = kernels;
        this.workers = workers;
        this.scratch = scratch;
    }

    /** Attends a row whose keys and values are stored. */
    void attend(Batch batch, HeadPlan plan, int row) {
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
     * One region for scores and sums: tasks begin in order, so all scores have been begun when the first sum is, and
     * whoever needs some that are not finished waits for less than it takes to open another region.
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
}
