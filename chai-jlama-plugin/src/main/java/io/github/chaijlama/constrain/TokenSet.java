// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import java.util.Arrays;

/** Numbers of tokens: one by one where they are few, as bits where they are many. Immutable. */
final class TokenSet {
    private final int[] tokens;
    private final long[] bits;

    private TokenSet(int[] tokens, long[] bits) {
        this.tokens = tokens;
        this.bits = bits;
    }

    /**
     * A set of tokens.
     *
     * @param tokens         their numbers; belongs to the set from now on
     * @param vocabularySize a number above all of them
     */
    static TokenSet of(int[] tokens, int vocabularySize) {
        if (tokens.length <= vocabularySize / Integer.SIZE) {
            return new TokenSet(tokens, null);
        }
        long[] bits = new long[words(vocabularySize)];
        for (int token : tokens) {
            bits[token / Long.SIZE] |= 1L << token;
        }
        return new TokenSet(null, bits);
    }

    /** Returns how many words hold one bit for each token. */
    static int words(int vocabularySize) {
        return (vocabularySize + Long.SIZE - 1) / Long.SIZE;
    }

    /** Sets the bits of the tokens in {@code target}. */
    void addTo(long[] target) {
        if (bits == null) {
            for (int token : tokens) {
                target[token / Long.SIZE] |= 1L << token;
            }
        } else {
            for (int i = 0; i < bits.length; i++) {
                target[i] |= bits[i];
            }
        }
    }

    /** Returns about how many bytes of memory it uses. */
    long bytes() {
        return 40 + (bits == null ? 4L * tokens.length : 8L * bits.length);
    }

    /** Numbers that are being collected. */
    static final class Builder {
        private int[] tokens = new int[4];
        private int size;

        void add(int token) {
            if (size == tokens.length) {
                tokens = Arrays.copyOf(tokens, 2 * size);
            }
            tokens[size++] = token;
        }

        TokenSet build(int vocabularySize) {
            return of(Arrays.copyOf(tokens, size), vocabularySize);
        }
    }
}
