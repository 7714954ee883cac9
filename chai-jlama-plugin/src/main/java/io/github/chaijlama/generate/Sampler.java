// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/** Chooses the next token from logits. A sampler belongs to one answer; it may keep state. */
@FunctionalInterface
public interface Sampler {

    /**
     * Returns a token.
     *
     * @param logits {@code (vocabularySize)}; not changed
     */
    int sample(float[] logits);

    /**
     * Tells of the prompt, before the first token. By default nothing depends on it.
     *
     * @param prompt its tokens, not to be changed
     */
    default void begin(int[] prompt) {}

    /** Tells of a token of the answer that nobody had to choose. By default nothing depends on it. */
    default void skip(int token) {}

    /** Returns a sampler for these options, as a new answer needs it. */
    static Sampler of(SamplingOptions options) {
        Sampler sampler = withoutPenalties(options);
        return options.penalties().isNone() ? sampler : new PenalizedSampler(sampler, options.penalties());
    }

    private static Sampler withoutPenalties(SamplingOptions options) {
        if (options.temperature() == 0) {
            return Sampler::mostLikely;
        }
        RandomGenerator random = options.seed()
                .<RandomGenerator>map(RandomGeneratorFactory.of("L64X128MixRandom")::create)
                .orElseGet(RandomGenerator::getDefault);
        return logits -> random(logits, options, random.nextDouble());
    }

    /** Returns the token with the highest logit, the lowest of equals. */
    private static int mostLikely(float[] logits) {
        int best = -1;
        float highest = Float.NEGATIVE_INFINITY;
        for (int token = 0; token < logits.length; token++) {
            if (logits[token] > highest) {
                best = token;
                highest = logits[token];
            }
        }
        requireNumber(best >= 0);
        return best;
    }

    /**
     * Chooses by probability: temperature first, then the {@code topK} most likely, then of those the most likely that
     * make up {@code topP}.
     *
     * @param uniform random number from 0 to below 1
     */
    private static int random(float[] logits, SamplingOptions options, double uniform) {
        double[] weights = new double[logits.length];
        float highest = logits[mostLikely(logits)];
        double total = 0;
        for (int token = 0; token < logits.length; token++) {
            weights[token] = Math.exp((logits[token] - highest) / options.temperature());
            total += weights[token];
        }
        requireNumber(Double.isFinite(total));
        if (options.topK().isPresent() || options.topP() < 1) {
            total = keepMostLikely(weights, options, total);
        }
        double left = uniform * total;
        int last = -1;
        for (int token = 0; token < weights.length; token++) {
            if (weights[token] > 0) {
                last = token;
                left -= weights[token];
                if (left < 0) {
                    return token;
                }
            }
        }
        return last;
    }

    /** Sets the weights of tokens that may not be chosen to 0 and returns the sum of the others. */
    private static double keepMostLikely(double[] weights, SamplingOptions options, double total) {
        long[] order = mostLikelyFirst(weights, options, total);
        int count = Math.min(options.topK().orElse(order.length), order.length);
        double kept = 0;
        for (int i = 0; i < count; i++) {
            kept += weights[token(order[i])];
        }
        double wanted = options.topP() * (options.topK().isPresent() ? kept : total);
        double sum = 0;
        int chosen = 0;
        while (chosen < count && (chosen == 0 || sum < wanted)) {
            sum += weights[token(order[chosen++])];
        }
        double[] all = weights.clone();
        Arrays.fill(weights, 0);
        for (int i = 0; i < chosen; i++) {
            weights[token(order[i])] = all[token(order[i])];
        }
        return sum;
    }

    /**
     * Returns tokens by falling weight, equal weights by rising number, packed for {@link #token}. Tokens that weigh
     * less than an even share of {@code 1 - topP} are left out before sorting, which is what would take the time:
     * together they weigh less than {@code 1 - topP}, so the others make up {@code topP} without them.
     */
    private static long[] mostLikelyFirst(double[] weights, SamplingOptions options, double total) {
        double smallest = options.topK().isPresent() ? 0 : (1 - options.topP()) * total / weights.length;
        long[] order = new long[weights.length];
        int count = 0;
        for (int token = 0; token < weights.length; token++) {
            if (weights[token] >= smallest && weights[token] > 0) {
                // The bits of non-negative floats sort as their values do.
                long falling = (long) Integer.MAX_VALUE - Float.floatToRawIntBits((float) weights[token]);
                order[count++] = falling << Integer.SIZE | token;
            }
        }
        long[] sorted = Arrays.copyOf(order, count);
        Arrays.sort(sorted);
        return sorted;
    }

    private static int token(long packed) {
        return (int) packed;
    }

    private static void requireNumber(boolean number) {
        if (!number) {
            throw new IllegalStateException("the model's logits are not numbers; its weights are probably broken");
        }
    }
}
