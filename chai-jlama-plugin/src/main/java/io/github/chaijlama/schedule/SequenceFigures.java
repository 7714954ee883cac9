// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.schedule;

import io.github.chaijlama.AttentionMode;

/**
 * How far a request has come.
 *
 * @param number       which request of the scheduler it is, 0 for the first
 * @param isRunning    whether it shares steps; otherwise it waits, or is paused
 * @param attention    attention of the sequence
 * @param promptTokens tokens of the prompt
 * @param reusedTokens those that an earlier request had left
 * @param answerTokens tokens of the answer so far
 * @param length       tokens of both whose keys and values are there
 */
public record SequenceFigures(long number, boolean isRunning, AttentionMode attention, int promptTokens,
        int reusedTokens, int answerTokens, int length) {}
