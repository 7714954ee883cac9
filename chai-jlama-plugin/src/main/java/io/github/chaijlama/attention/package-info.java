// SPDX-License-Identifier: Apache-2.0
/**
 * The attention of one layer in the order of the paper (arXiv:2403.08058): rotate, store, attend, decide which heads
 * belong together. Knows nothing of Jlama and of matrix products: rows come in projected.
 */
@NullMarked
package io.github.chaijlama.attention;

import org.jspecify.annotations.NullMarked;
