// SPDX-License-Identifier: Apache-2.0
/**
 * Keys and values of sequences, in pages of off-heap memory under one budget.
 */
@NullMarked
package io.github.chaijlama.kv;

import org.jspecify.annotations.NullMarked;
