// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

import io.github.chaijlama.PromptSession;

/**
 * A model small enough to calculate by hand: what it expects depends on the last token alone. Every arm has its own
 * table of logits {@code (token, vocabularySize)}, and uses as many bytes a token as its table says.
 */
final class FakeModel implements ModelSequences {
    private final Map<String, float[][]> tables = new HashMap<>();
    private final Map<String, Long> bytesPerToken = new HashMap<>();
    private int opened;
    private int open;
    private long fed;

    /** Adds an arm that expects each token with these probabilities, {@code (token, vocabularySize)}. */
    FakeModel arm(String name, long bytes, double[]... probabilities) {
        tables.put(name, Arrays.stream(probabilities).map(FakeModel::logits).toArray(float[][]::new));
        bytesPerToken.put(name, bytes);
        return this;
    }

    private static float[] logits(double[] probabilities) {
        float[] logits = new float[probabilities.length];
        for (int i = 0; i < logits.length; i++) {
            // Any constant may be added to logits.
            logits[i] = (float) (Math.log(probabilities[i]) + 3);
        }
        return logits;
    }

    int opened() {
        return opened;
    }

    int open() {
        return open;
    }

    long fed() {
        return fed;
    }

    @Override
    public PromptSession open(Arm arm) {
        opened++;
        open++;
        float[][] table = tables.get(arm.name());
        return new PromptSession() {
            private int length;

            @Override
            public float[] feed(int... tokens) {
                return feedAll(tokens)[tokens.length - 1];
            }

            @Override
            public float[][] feedAll(int... tokens) {
                length += tokens.length;
                fed += tokens.length;
                return Arrays.stream(tokens).mapToObj(token -> table[token].clone()).toArray(float[][]::new);
            }

            @Override
            public int length() {
                return length;
            }

            @Override
            public void endPrompt() {
                // These arms decide nothing.
            }

            @Override
            public void truncate(int newLength) {
                length = newLength;
            }

            @Override
            public long kvCacheBytes() {
                return length * bytesPerToken.get(arm.name());
            }

            @Override
            public void close() {
                open--;
            }
        };
    }
}
