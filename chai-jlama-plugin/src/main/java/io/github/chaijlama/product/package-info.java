// SPDX-License-Identifier: Apache-2.0
/**
 * Products of rows and weights.
 */
@NullMarked
package io.github.chaijlama.product;

import org.jspecify.annotations.NullMarked;
