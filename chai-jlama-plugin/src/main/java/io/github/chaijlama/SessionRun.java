// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

/**
 * What a {@linkplain ChaiModel#step step that several sessions share} does for one of them.
 *
 * @param tokens      where its next tokens stand, and those that are about to follow behind them
 * @param from        first of them
 * @param count       how many, at least 1
 * @param wantsLogits whether the logits of the last one are wanted
 */
public record SessionRun(ChaiSession session, int[] tokens, int from, int count, boolean wantsLogits) {}
