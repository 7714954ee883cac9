// SPDX-License-Identifier: Apache-2.0
/**
 * Safetensors files: one, or shards with an index, mapped into memory and checked completely before a tensor is handed
 * out.
 */
@NullMarked
package io.github.chaijlama.safetensors;

import org.jspecify.annotations.NullMarked;
