// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

/**
 * Looks at what exact attention does with a sequence, layer by layer. It stands beside the forward pass, which does
 * nothing for it but call it.
 */
@FunctionalInterface
public interface AttentionObserver {

    /**
     * Looks at rows that a layer has attended to. Called for every layer, positions in order, on the thread of the
     * step; not for two layers at a time.
     *
     * @param rows valid until the method returns
     */
    void observe(AttendedRows rows);
}
