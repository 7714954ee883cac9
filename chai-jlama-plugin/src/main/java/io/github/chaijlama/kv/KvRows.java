// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kv;

import java.util.List;

/**
 * The rows that a layer keeps for a position: keys and values of each KV head.
 *
 * @param kvHeads  how many of keys, and as many of values; 0 where it uses those of another layer
 * @param headSize values of a row
 */
public record KvRows(int kvHeads, int headSize) {
    /** The most 32-bit rows that a page is made for. */
    private static final int MAX_ROWS_PER_PAGE = 128;
    private static final int MIN_ROWS_PER_PAGE = 16;
    private static final int PAGE_BYTES = 16384;

    /**
     * Returns a page size in bytes that suits the attention kernels: a power of two of rows, about 16 KiB, so that a
     * page of keys and its scores stay in a core's first cache. Where layers differ, that of the longest rows: shorter
     * ones are more to a page.
     */
    public static int pageBytes(List<KvRows> layers) {
        return layers.stream().mapToInt(KvRows::pageBytes).max().orElseThrow();
    }

    /** Returns the page size that suits these rows. */
    int pageBytes() {
        int rowBytes = KvType.F32.rowBytes(headSize);
        int rows = Integer.highestOneBit(Math.clamp(PAGE_BYTES / rowBytes, MIN_ROWS_PER_PAGE, MAX_ROWS_PER_PAGE));
        return rows * rowBytes;
    }

    /**
     * Checks a budget before a model is loaded for it, against the least that any sequence can do with: its first
     * token, with the keys of a single head in every layer.
     *
     * @param maxBytes the budget, in bytes
     * @throws KvCacheTooSmallException if they do not fit
     */
    public static void requireRoomForOneToken(long maxBytes, List<KvRows> layers) {
        long minBytes = layers.stream().mapToLong(layer -> layer.kvHeads == 0 ? 0 : layer.kvHeads + 1L).sum()
                * pageBytes(layers);
        if (maxBytes < minBytes) {
            throw new KvCacheTooSmallException(maxBytes, minBytes);
        }
    }
}
