// SPDX-License-Identifier: Apache-2.0
/**
 * Chat templates, rendered by Jinjava with Python's values and Jinja's rules where the two differ. Knows nothing of
 * models and tokens.
 */
@NullMarked
package io.github.chaijlama.template;

import org.jspecify.annotations.NullMarked;
