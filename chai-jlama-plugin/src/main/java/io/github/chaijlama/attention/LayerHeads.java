// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import io.github.chaijlama.kv.KvRows;
import io.github.chaijlama.model.HeadLayout;

/**
 * The heads of a layer, as sequences know them.
 *
 * @param exact the plan of exact attention
 */
record LayerHeads(HeadLayout layout, HeadPlan exact) {

    /** Returns the rows that a sequence keeps for a position. */
    KvRows kvRows() {
        return kvRows(layout);
    }

    static KvRows kvRows(HeadLayout layout) {
        return new KvRows(layout.numberOfKvHeads(), layout.headSize());
    }
}
