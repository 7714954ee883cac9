// SPDX-License-Identifier: Apache-2.0
/**
 * The attention of one layer in the order of the paper (arXiv:2403.08058): project, store, attend, decide which heads
 * belong together. Knows nothing of Jlama; the matrix products come in through
 * {@link io.github.chaijlama.attention.QkvProjection}.
 */
package io.github.chaijlama.attention;
