// SPDX-License-Identifier: Apache-2.0
/**
 * The public face: load a model with {@link io.github.chaijlama.ChaiModel}, run sequences of tokens with {@link
 * io.github.chaijlama.ChaiSession}. For text see {@link io.github.chaijlama.generate.TextModel}.
 */
@NullMarked
package io.github.chaijlama;

import org.jspecify.annotations.NullMarked;
