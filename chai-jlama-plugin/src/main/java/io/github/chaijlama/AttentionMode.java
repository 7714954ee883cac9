// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

/** Which attention computes a sequence. */
public enum AttentionMode {
    /** Heads that attend alike share scores and keys, as the model's cluster profile says (arXiv:2403.08058). */
    CLUSTERED,
    /** Every head for itself, with the same kernels and key/value cache as {@link #CLUSTERED}. */
    EXACT,
    /** Jlama's own attention and key/value cache, for comparison. A model loaded so knows no other mode. */
    STOCK
}
