// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.prefix;

/**
 * The memory of keys and values of a model. Immutable.
 *
 * @param usedBytes     pages of requests that have not ended
 * @param idleBytes     pages that only idle sequences have: they give way to whoever needs memory
 * @param maxBytes      the budget
 * @param idleSequences sequences of ended requests that are kept for later ones
 * @param pageTokens    tokens that a page of one head holds
 * @param pagesPerHead  pages of every head of every layer that the budget holds when no keys are dropped; times
 *                      {@code pageTokens} it is how many tokens fit then
 */
public record KvCacheFigures(long usedBytes, long idleBytes, long maxBytes, int idleSequences, int pageTokens,
        long pagesPerHead) {

    /** Returns the share of the budget that requests have which have not ended, 0 to 1. */
    public double usage() {
        return (double) usedBytes / maxBytes;
    }
}
