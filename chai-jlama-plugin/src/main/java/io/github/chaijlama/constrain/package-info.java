// SPDX-License-Identifier: Apache-2.0
/**
 * Answers that are JSON for a schema: an automaton over bytes says after each token which tokens may come next. Knows
 * JSON and the bytes of a vocabulary, nothing of models.
 */
@NullMarked
package io.github.chaijlama.constrain;

import org.jspecify.annotations.NullMarked;
