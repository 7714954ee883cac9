// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.util.List;
import java.util.OptionalInt;
import java.util.function.Consumer;

import io.github.chaijlama.attention.AttentionSequence;
import io.github.chaijlama.kv.KvCacheFullException;

/**
 * Some models turn the keys of long sequences by other angles than those of short ones, all of their keys (LongRoPE). A
 * sequence that grows beyond the length where this changes, or is cut back to less, is calculated anew from its tokens:
 * what later layers made of its first positions depends on these angles, too. So a sequence is the same however it was
 * cut, and what two sequences share is calculated anew where they are not on the same side.
 *
 * @param beyond the length beyond which angles are others; empty for most models, of which nothing is remembered
 */
record Stretching(OptionalInt beyond) {

    /**
     * Prepares sequences for a step.
     *
     * @param runs what the step will do; what stands behind a run in its tokens is about to follow
     * @param pass does a step
     * @throws io.github.chaijlama.kv.KvCacheFullException if a sequence must be calculated anew and does not fit
     */
    void prepare(List<StepRun> runs, Consumer<List<StepRun>> pass) {
        if (beyond.isEmpty()) {
            return;
        }
        for (int number = 0; number < runs.size(); number++) {
            StepRun run = runs.get(number);
            AttentionSequence sequence = run.sequence();
            int coming = run.tokens().length - run.from();
            boolean stretched = sequence.length() + coming > beyond.getAsInt();
            if (stretched != sequence.isStretched()) {
                try {
                    sequence.restart(stretched, sequence.length() + run.count(),
                            (tokens, from, end) -> repeat(sequence, tokens, from, end, pass));
                } catch (KvCacheFullException e) {
                    throw e.ofRun(number);
                }
            }
            sequence.remember(run.tokens(), run.from(), run.count());
        }
    }

    /** Returns how many tokens can follow the first {@code length} of a sequence without other angles. */
    int roomBehind(int length) {
        return beyond.isEmpty() || length > beyond.getAsInt() ? Integer.MAX_VALUE : beyond.getAsInt() - length;
    }

    private static void repeat(AttentionSequence sequence, int[] tokens, int from, int end,
            Consumer<List<StepRun>> pass) {
        int next = from;
        for (int batch : BatchPlan.batches(end - from)) {
            pass.accept(List.of(new StepRun(sequence, tokens, next, batch, 0)));
            next += batch;
        }
    }
}
