// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

/**
 * The heads of a layer.
 *
 * @param numberOfHeads   query heads
 * @param numberOfKvHeads key/value heads, a divisor of {@code numberOfHeads}; fewer means grouped-query attention
 * @param headSize        floats of one head's row
 */
public record HeadLayout(int numberOfHeads, int numberOfKvHeads, int headSize) {

    public HeadLayout {
        if (numberOfHeads < 1 || numberOfKvHeads < 1 || headSize < 1 || numberOfHeads % numberOfKvHeads != 0) {
            throw new IllegalArgumentException("impossible heads: " + numberOfHeads + " heads, " + numberOfKvHeads
                    + " KV heads, size " + headSize);
        }
    }

    /** Returns the KV head whose keys and values a query head uses. */
    public int kvHead(int head) {
        return head / (numberOfHeads / numberOfKvHeads);
    }

    /** Returns the floats of one position's queries. */
    public int queryLength() {
        return numberOfHeads * headSize;
    }

    /** Returns the floats of one position's keys, and of its values. */
    public int kvLength() {
        return numberOfKvHeads * headSize;
    }
}
