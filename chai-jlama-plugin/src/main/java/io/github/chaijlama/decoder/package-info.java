// SPDX-License-Identifier: Apache-2.0
/**
 * The forward pass: {@link io.github.chaijlama.decoder.Decoder} takes the rows of a step through its layers, and {@link
 * io.github.chaijlama.decoder.DecoderLayer} is the place to read what happens to them. Knows no family and no file:
 * what differs from model to model comes in as a configuration, weights from a source, products from an implementation.
 */
@NullMarked
package io.github.chaijlama.decoder;

import org.jspecify.annotations.NullMarked;
