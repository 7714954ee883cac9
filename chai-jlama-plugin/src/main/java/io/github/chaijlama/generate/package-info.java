// SPDX-License-Identifier: Apache-2.0
/**
 * Text: tokens, conversations, sampling, and the loop that generates an answer.
 */
@NullMarked
package io.github.chaijlama.generate;

import org.jspecify.annotations.NullMarked;
