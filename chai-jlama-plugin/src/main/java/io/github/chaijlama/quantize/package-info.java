// SPDX-License-Identifier: Apache-2.0
/** Writes a model's directory again, its weights quantized, in the format that Jlama reads. */
@NullMarked
package io.github.chaijlama.quantize;

import org.jspecify.annotations.NullMarked;
