// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

/** The bytes of keys and values an arm needs, summed over texts or prompts at their ends. Not thread-safe. */
final class KvCacheUse {
    private final Arm arm;
    private long bytes;
    private int withoutClusters;

    KvCacheUse(Arm arm) {
        this.arm = arm;
    }

    void add(int tokens, long newBytes) {
        bytes += newBytes;
        withoutClusters += arm.isClustered(tokens) ? 0 : 1;
    }

    long bytes() {
        return bytes;
    }

    /** Returns the bytes in relation to another arm's. */
    double relativeTo(KvCacheUse other) {
        return bytes / (double) other.bytes;
    }

    /** Returns how many were too short for the arm's clusters to be decided. */
    int withoutClusters() {
        return withoutClusters;
    }
}
