// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

/**
 * What a {@linkplain ChaiModel#step step that several sessions share} does for one of them.
 *
 * @param tokens where its next tokens stand, and those that are about to follow behind them
 * @param from   first of them
 * @param count  how many, at least 1
 * @param logits of how many of them, the last ones, the logits are wanted
 */
public record SessionRun(ChaiSession session, int[] tokens, int from, int count, int logits) {}
