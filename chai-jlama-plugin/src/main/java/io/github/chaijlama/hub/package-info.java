// SPDX-License-Identifier: Apache-2.0
/**
 * Models by name: downloads them from the Hugging Face hub into its usual cache, which other programs share.
 */
@NullMarked
package io.github.chaijlama.hub;

import org.jspecify.annotations.NullMarked;
