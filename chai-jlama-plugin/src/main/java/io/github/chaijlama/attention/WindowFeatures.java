// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.lang.foreign.MemorySegment;

import io.github.chaijlama.cluster.HeadGram;
import io.github.chaijlama.kernel.AttentionKernels;
import io.github.chaijlama.kv.KvStore;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

/** What the rows of a window say about which heads attend alike. One pass at a time, as scratch memory is shared. */
final class WindowFeatures {
    private final HeadLayout layout;
    private final ScoreRules rules;
    private final AttentionKernels kernels;
    private final AttentionScratch.Worker scratch;

    WindowFeatures(HeadLayout layout, ScoreRules rules, AttentionKernels kernels, AttentionScratch.Worker scratch) {
        this.layout = layout;
        this.rules = rules;
        this.kernels = kernels;
        this.scratch = scratch;
    }

    /** Adds the window's rows to the features: each head's probabilities, in double (arXiv:2403.08058, section 3.3). */
    void collect(Batch batch, int rows) {
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
            kernels.loadRows(scratch.row(), 0, store.type(), keys, store.rowAt(key), 1, headSize);
            double score = rules.scale() * dot(batch.projection().queries(), queryOffset, scratch.row(), 0,
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
}
