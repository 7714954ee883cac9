// SPDX-License-Identifier: Apache-2.0
/**
 * The machine's BLAS library, where there is one: found, loaded and called.
 */
@NullMarked
package io.github.chaijlama.blas;

import org.jspecify.annotations.NullMarked;
