// SPDX-License-Identifier: Apache-2.0
/**
 * How good a model is with exact attention and with clusters, measured side by side on one loaded model: on texts
 * (perplexity, divergence, agreement) and on tasks (log-likelihood choice, greedy answers). Reads the texts and tasks
 * too.
 */
@NullMarked
package io.github.chaijlama.evaluate;

import org.jspecify.annotations.NullMarked;
