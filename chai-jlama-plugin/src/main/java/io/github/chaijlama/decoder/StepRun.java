// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import io.github.chaijlama.attention.AttentionSequence;

/**
 * What a step does for one sequence: the next of its tokens.
 *
 * @param tokens where they stand, and those that are about to follow behind them
 * @param from   first of them
 * @param count  how many, at least 1
 * @param logits which logits are wanted
 */
public record StepRun(AttentionSequence sequence, int[] tokens, int from, int count, Logits logits) {

    /** Which logits of a run are wanted. */
    public enum Logits {
        /** None: more tokens of a prompt are to come. */
        NONE,
        /** Those of the last token. */
        LAST,
        /** Those of every token. */
        ALL
    }

    /** Returns of how many rows, the last ones of the run, logits are wanted. */
    int wantedRows() {
        return switch (logits) {
            case NONE -> 0;
            case LAST -> 1;
            case ALL -> count;
        };
    }
}
