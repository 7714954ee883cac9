// SPDX-License-Identifier: Apache-2.0
/**
 * Jlama from outside: its operators as matrix products, its own layers for comparison, and the exchange of the layers
 * and the key/value cache of a model that it loaded. All reflection is in one class.
 */
@NullMarked
package io.github.chaijlama.jlama;

import org.jspecify.annotations.NullMarked;
