// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.util.List;
import java.util.Optional;

/**
 * One arm at one context length.
 *
 * @param arm                    what was measured
 * @param context                tokens of the prompt
 * @param runs                   runs that counted
 * @param prefillMillis          time to read the prompt and have the logits of the next token, milliseconds
 * @param decodeMillis           time of one more token after the prompt, milliseconds
 * @param prefillAttentionMillis attention alone over the prompt, mean of the layers, milliseconds
 * @param decodeAttentionMillis  attention alone of one more token, mean of the layers, milliseconds
 * @param kvCacheBytes           keys and values stored after the prompt
 * @param layers                 what attention alone costs a layer, by number of clusters, most first
 * @param products               what matrix products cost
 * @param prefill                where the time of the prefill goes
 * @param decode                 where the time of one more token goes
 * @param whole                  the same for all layers of a model some of whose layers were measured, empty if all
 *                               were
 */
public record Measurement(BenchArm arm, int context, int runs, Spread prefillMillis, Spread decodeMillis,
        Spread prefillAttentionMillis, Spread decodeAttentionMillis, long kvCacheBytes, List<LayerCost> layers,
        ProductCost products, StepParts prefill, StepParts decode, Optional<WholeModel> whole) {}
