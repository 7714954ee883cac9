// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import io.github.chaijlama.AttentionMode;

/**
 * One attention at one context length.
 *
 * @param attention      the attention
 * @param context        tokens of the prompt
 * @param prefillMillis  time to read the prompt and have the logits of the next token, milliseconds
 * @param decodeMillis   time of one more token after the prompt, milliseconds
 * @param kvCacheBytes   keys and values stored after the prompt
 */
public record Measurement(AttentionMode attention, int context, Spread prefillMillis, Spread decodeMillis,
        long kvCacheBytes) {}
