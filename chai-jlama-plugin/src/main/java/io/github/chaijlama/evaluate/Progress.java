// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

/** Told how far a run has come. */
@FunctionalInterface
public interface Progress {
    /** Tells nobody. */
    Progress NONE = (done, total) -> {};

    /**
     * Called after each text or task.
     *
     * @param done  tokens done
     * @param total tokens to do
     */
    void report(long done, long total);
}
