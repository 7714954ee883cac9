// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

import io.github.chaijlama.PromptSession;

/**
 * Keeps what exact attention expects of texts, the first ones as far as a budget allows; others are calculated each
 * time. Not thread-safe.
 */
final class ExactCache {
    private final long maxBytes;
    private final Map<Integer, Kept> kept = new HashMap<>();
    private long bytes;

    ExactCache(long maxBytes) {
        this.maxBytes = maxBytes;
    }

    /** A text that was run to its end. */
    private record Kept(Distribution[] distributions, long kvCacheBytes) {}

    /** Starts a text: from memory, or with a new sequence. */
    ExactText open(int index, Supplier<PromptSession> sequence) {
        Kept text = kept.get(index);
        return text == null ? new Calculated(index, sequence.get()) : new Remembered(text);
    }

    /** A text from memory. */
    private static final class Remembered implements ExactText {
        private final Kept text;
        private int position;

        Remembered(Kept text) {
            this.text = text;
        }

        @Override
        public Distribution[] feed(int[] piece) {
            position += piece.length;
            return Arrays.copyOfRange(text.distributions(), position - piece.length, position);
        }

        @Override
        public long finish() {
            return text.kvCacheBytes();
        }

        @Override
        public void close() {
            // Nothing was opened.
        }
    }

    /** A text that is run, and kept if there is room for all of it. */
    private final class Calculated implements ExactText {
        private final int index;
        private final PromptSession sequence;
        private final List<Distribution> distributions = new ArrayList<>();
        private long ownBytes;
        private boolean keeping = true;

        Calculated(int index, PromptSession sequence) {
            this.index = index;
            this.sequence = sequence;
        }

        @Override
        public Distribution[] feed(int[] piece) {
            Distribution[] next = Distribution.of(sequence.feedAll(piece));
            ownBytes += (long) next.length * next[0].logits().length * Float.BYTES;
            keeping &= bytes + ownBytes <= maxBytes;
            if (keeping) {
                distributions.addAll(Arrays.asList(next));
            } else {
                distributions.clear();
            }
            return next;
        }

        @Override
        public long finish() {
            long kvCacheBytes = sequence.kvCacheBytes();
            if (keeping) {
                kept.put(index, new Kept(distributions.toArray(Distribution[]::new), kvCacheBytes));
                bytes += ownBytes;
            }
            return kvCacheBytes;
        }

        @Override
        public void close() {
            sequence.close();
        }
    }
}
