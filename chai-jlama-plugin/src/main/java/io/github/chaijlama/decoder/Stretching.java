// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.util.List;
import java.util.OptionalInt;
import java.util.function.Consumer;

import io.github.chaijlama.attention.AttentionSequence;
import io.github.chaijlama.decoder.StepRun.Logits;

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
        for (StepRun run : runs) {
            AttentionSequence sequence = run.sequence();
            int coming = run.tokens().length - run.from();
            boolean stretched = sequence.length() + coming > beyond.getAsInt();
            if (stretched != sequence.isStretched()) {
                restart(sequence, stretched, run.count(), pass);
            }
            sequence.remember(run.tokens(), run.from(), run.count());
        }
    }

    private static void restart(AttentionSequence sequence, boolean stretched, int coming,
            Consumer<List<StepRun>> pass) {
        int[] tokens = sequence.tokens();
        boolean inPrompt = sequence.isPrompt();
        OptionalInt promptEnd = sequence.promptEnd();
        int prompt = Math.min(promptEnd.orElse(tokens.length), tokens.length);
        sequence.restart(stretched, tokens.length + coming);
        repeat(sequence, tokens, 0, prompt, pass);
        promptEnd.ifPresent(_ -> sequence.endPrompt());
        repeat(sequence, tokens, prompt, tokens.length, pass);
        if (inPrompt) {
            sequence.beginPrompt();
        }
    }

    private static void repeat(AttentionSequence sequence, int[] tokens, int from, int end,
            Consumer<List<StepRun>> pass) {
        int next = from;
        for (int batch : BatchPlan.batches(end - from)) {
            pass.accept(List.of(new StepRun(sequence, tokens, next, batch, Logits.NONE)));
            next += batch;
        }
    }
}
