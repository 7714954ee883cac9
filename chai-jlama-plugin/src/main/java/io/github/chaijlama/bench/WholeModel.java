// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

/**
 * What the whole of a model would cost of which some layers were measured: extrapolated, not measured. Layers count as
 * often as the whole model has them, embedding, last norm and head once.
 *
 * @param layers        layers of the whole model
 * @param prefillMillis time to the first token, milliseconds
 * @param decodeMillis  time of one more token, milliseconds
 * @param kvCacheBytes  keys and values stored after the prompt
 */
public record WholeModel(int layers, Spread prefillMillis, Spread decodeMillis, long kvCacheBytes) {}
