// SPDX-License-Identifier: Apache-2.0
/**
 * Short parallel regions.
 */
@NullMarked
package io.github.chaijlama.parallel;

import org.jspecify.annotations.NullMarked;
