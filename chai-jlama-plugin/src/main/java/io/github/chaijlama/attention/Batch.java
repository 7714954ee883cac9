// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.lang.foreign.MemorySegment;

import io.github.chaijlama.kv.KvStore;

/**
 * One layer's share of a step.
 *
 * @param position position of row 0
 */
record Batch(AttentionSequence sequence, int layer, int position, QkvProjection projection,
        MemorySegment out) {

    KvStore store() {
        return sequence.store();
    }

    HeadPlan plan() {
        return sequence.plan(layer);
    }
}
