// SPDX-License-Identifier: Apache-2.0
/**
 * How many clusters each layer of a model has: the file that the offline phase of CHAI leaves behind.
 */
@NullMarked
package io.github.chaijlama.profile;

import org.jspecify.annotations.NullMarked;
