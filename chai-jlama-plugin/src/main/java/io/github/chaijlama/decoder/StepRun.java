// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import io.github.chaijlama.attention.AttentionSequence;

/**
 * What a step does for one sequence: the next of its tokens.
 *
 * @param tokens where they stand, and those that are about to follow behind them
 * @param from   first of them
 * @param count  how many, at least 1
 * @param logits of how many of them, the last ones, logits are wanted; 0 if more tokens of a prompt are to come
 */
public record StepRun(AttentionSequence sequence, int[] tokens, int from, int count, int logits) {}
