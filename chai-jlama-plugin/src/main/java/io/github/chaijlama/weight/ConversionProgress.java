// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

/** Told how far weights have been converted, on the thread that asked for it; an exception ends the conversion. */
@FunctionalInterface
public interface ConversionProgress {

    /**
     * Called after each piece of work; never where nothing is converted.
     *
     * @param done  values that are converted
     * @param total values that there are to convert
     */
    void report(long done, long total);
}
