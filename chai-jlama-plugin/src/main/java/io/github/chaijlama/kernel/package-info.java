// SPDX-License-Identifier: Apache-2.0
/**
 * The arithmetic of attention on blocks of floats: a scalar reference and its Vector API twin.
 */
@NullMarked
package io.github.chaijlama.kernel;

import org.jspecify.annotations.NullMarked;
