// SPDX-License-Identifier: Apache-2.0
/**
 * Weights in memory, whatever the format: mapped from a model's files or converted when it is loaded. Addressed in
 * {@code long}, so that no tensor is too large.
 */
@NullMarked
package io.github.chaijlama.weight;

import org.jspecify.annotations.NullMarked;
