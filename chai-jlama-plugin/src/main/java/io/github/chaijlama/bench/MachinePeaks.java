// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.util.OptionalLong;

/**
 * What the machine gives when it does one thing only, on as many threads as the models use.
 *
 * @param gflops              32-bit multiply-adds in registers, two operations each, 1e9 a second
 * @param readGigabytes       reading a buffer, 1e9 bytes a second
 * @param bufferBytes         size of that buffer
 * @param lastLevelCacheBytes size of the last-level cache, empty where it is not known
 */
public record MachinePeaks(Spread gflops, Spread readGigabytes, long bufferBytes, OptionalLong lastLevelCacheBytes) {
    /** How many times the last-level cache a figure of memory must read at least. */
    public static final int CACHES = 4;

    /**
     * Whether keys and values of that many bytes come from memory: whether they are more than four times the last-level
     * cache. False where the cache's size is not known.
     */
    public boolean readsFromMemory(long bytes) {
        return lastLevelCacheBytes.isPresent() && bytes > CACHES * lastLevelCacheBytes.getAsLong();
    }
}
