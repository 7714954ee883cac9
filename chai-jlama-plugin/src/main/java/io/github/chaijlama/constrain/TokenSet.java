// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import java.util.Arrays;

/** Numbers of tokens: one by one where they are few, as bits where they are many. Immutable. */
sealed interface TokenSet {
    /** Bytes of memory of a set without its tokens, about. */
    long OBJECT_BYTES = 40;

    /**
     * A set of tokens.
     *
     * @param tokens         their numbers; belongs to the set from now on
     * @param vocabularySize a number above all of them
     */
    static TokenSet of(int[] tokens, int vocabularySize) {
        if (tokens.length <= vocabularySize / Integer.SIZE) {
            return new Few(tokens);
        }
        long[] bits = new long[words(vocabularySize)];
        for (int token : tokens) {
            bits[token / Long.SIZE] |= 1L << token;
        }
        return new Many(bits);
    }

    /** Returns how many words hold one bit for each token. */
    static int words(int vocabularySize) {
        return (vocabularySize + Long.SIZE - 1) / Long.SIZE;
    }

    /** Sets the bits of the tokens in {@code target}. */
    void addTo(long[] target);

    /** Returns about how many bytes of memory it uses. */
    long bytes();

    /** Tokens one by one. */
    final class Few implements TokenSet {
        private final int[] tokens;

        private Few(int[] tokens) {
            this.tokens = tokens;
        }

        @Override
        public void addTo(long[] target) {
            for (int token : tokens) {
                target[token / Long.SIZE] |= 1L << token;
            }
        }

        @Override
        public long bytes() {
            return OBJECT_BYTES + 4L * tokens.length;
        }
    }

    /** A bit for each token of the vocabulary. */
    final class Many implements TokenSet {
        private final long[] bits;

        private Many(long[] bits) {
            this.bits = bits;
        }

        @Override
        public void addTo(long[] target) {
            for (int i = 0; i < bits.length; i++) {
                target[i] |= bits[i];
            }
        }

        @Override
        public long bytes() {
            return OBJECT_BYTES + 8L * bits.length;
        }
    }

    /** Numbers that are being collected. */
    final class Builder {
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
