// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kv;

/**
 * How the rows of keys and values are stored. Queries, scores, sums and outputs are 32-bit floats whatever is stored.
 */
public enum KvType {
    /** 32-bit floats, exact. */
    F32 {
        @Override
        public int rowBytes(int headSize) {
            return headSize * Float.BYTES;
        }
    },
    /** The upper half of a 32-bit float, rounded to the nearest even: 8 bits of precision, the range of F32. */
    BF16 {
        @Override
        public int rowBytes(int headSize) {
            return headSize * Short.BYTES;
        }
    },
    /** Signed bytes times one 32-bit scale for each head's row, the row's largest magnitude divided by 127. */
    I8 {
        @Override
        public int rowBytes(int headSize) {
            return Float.BYTES + headSize;
        }
    };

    /** Returns the bytes of one position's row of one head, scale included. */
    public abstract int rowBytes(int headSize);
}
