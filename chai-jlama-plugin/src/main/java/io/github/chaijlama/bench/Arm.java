// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.util.Locale;

import io.github.chaijlama.AttentionMode;

/**
 * One of the things a benchmark compares.
 *
 * @param attention the attention
 */
public record Arm(AttentionMode attention) {

    /** Returns the arm in the words of the command line, for instance {@code clustered}. */
    public String label() {
        return attention.name().toLowerCase(Locale.ROOT);
    }
}
