// SPDX-License-Identifier: Apache-2.0
/**
 * Tools that a model may ask for, and the calls in its answers, in the forms that families of models write them. Knows
 * nothing of models.
 */
@NullMarked
package io.github.chaijlama.tool;

import org.jspecify.annotations.NullMarked;
