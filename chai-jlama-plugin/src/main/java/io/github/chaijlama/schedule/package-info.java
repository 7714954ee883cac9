// SPDX-License-Identifier: Apache-2.0
/**
 * Many requests at once: their sequences share steps, so that the weights are read once for all of them.
 * {@link io.github.chaijlama.schedule.Scheduler} is the entry point; it knows nothing of text.
 */
@NullMarked
package io.github.chaijlama.schedule;

import org.jspecify.annotations.NullMarked;
