// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

/**
 * Neighbouring rows of a step that belong to one sequence, at neighbouring positions.
 *
 * @param sequence the sequence, in a step of as many tokens
 * @param firstRow first of them in the step
 * @param rows     how many, at least 1
 * @param position position of the first one in the sequence
 */
public record SequenceRows(AttentionSequence sequence, int firstRow, int rows, int position) {}
