// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

/**
 * How much is read. The entries are kept in memory as tokens, so these limits bound it: entries times tokens times four
 * bytes.
 *
 * @param maxEntries  the most texts or tasks to read; what follows is not looked at
 * @param maxTokens   longer texts are cut to so many tokens
 * @param maxBadLines more bad lines than this are an error
 */
public record ReadLimits(int maxEntries, int maxTokens, int maxBadLines) {
    /** Enough for any evaluation that ends in a day. */
    public static final int DEFAULT_MAX_ENTRIES = 10_000;
    /** So many bad lines may be slips; more mean that the file is something else. */
    public static final int DEFAULT_MAX_BAD_LINES = 100;

    public ReadLimits {
        if (maxEntries < 1 || maxTokens < 2 || maxBadLines < 0) {
            throw new IllegalArgumentException(
                    "there must be at least 1 entry, 2 tokens and 0 bad lines, found " + maxEntries + ", " + maxTokens
                            + " and " + maxBadLines);
        }
    }

    /** Returns the default limits, with texts cut at {@code maxTokens}. */
    public static ReadLimits ofTokens(int maxTokens) {
        return new ReadLimits(DEFAULT_MAX_ENTRIES, maxTokens, DEFAULT_MAX_BAD_LINES);
    }
}
