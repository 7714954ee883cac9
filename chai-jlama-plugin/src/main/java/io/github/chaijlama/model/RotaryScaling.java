// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;

/**
 * How a model's rotary embedding was stretched to a longer context than it was first trained for. The formulas are
 * those of Hugging Face's {@code rope_scaling}. Immutable.
 */
public sealed interface RotaryScaling {

    /**
     * Returns the frequencies of a head's pairs.
     *
     * @param headSize floats of one head's row, even
     * @param theta    base of the frequencies, {@code rope_theta} of the model's config.json
     */
    RotaryFrequencies frequencies(int headSize, double theta);

    /**
     * Returns the frequencies of all positions of sequences that are longer than {@link #stretchedBeyond}: most ways of
     * stretching know no others.
     */
    default RotaryFrequencies stretchedFrequencies(int headSize, double theta) {
        return frequencies(headSize, theta);
    }

    /** Returns the positions beyond which a sequence has other frequencies, if there are others. */
    default OptionalInt stretchedBeyond() {
        return OptionalInt.empty();
    }

    /** Returns the name config.json uses. */
    default String kind() {
        return getClass().getSimpleName().toLowerCase(Locale.ROOT);
    }

    /** Not stretched: {@code theta^(-2i / headSize)} (arXiv:2104.09864). */
    record None() implements RotaryScaling {
        @Override
        public RotaryFrequencies frequencies(int headSize, double theta) {
            double[] frequencies = new double[headSize / 2];
            for (int i = 0; i < frequencies.length; i++) {
                frequencies[i] = Math.pow(theta, -2.0 * i / headSize);
            }
            return new RotaryFrequencies(frequencies, 1);
        }
    }

    /**
     * Positions are closer together (arXiv:2306.15595).
     *
     * @param factor how many times closer
     */
    record Linear(double factor) implements RotaryScaling {
        @Override
        public RotaryFrequencies frequencies(int headSize, double theta) {
            return new None().frequencies(headSize, theta).map((i, frequency) -> frequency / factor);
        }
    }

    /**
     * Stretched only beyond the context a model was trained for (dynamic NTK). That is {@code max_position_embeddings},
     * where the context ends here; so within it nothing changes.
     *
     * @param factor of no effect within the context
     */
    record Dynamic(double factor) implements RotaryScaling {
        @Override
        public RotaryFrequencies frequencies(int headSize, double theta) {
            return new None().frequencies(headSize, theta);
        }
    }

    /**
     * Long wavelengths are stretched, short ones stay, those between are mixed (Llama 3.1).
     *
     * @param factor          how much the long ones are stretched
     * @param lowFactor       wavelengths above {@code originalContext / lowFactor} are long
     * @param highFactor      wavelengths below {@code originalContext / highFactor} are short, above {@code lowFactor}
     * @param originalContext positions the model was first trained for
     */
    record Llama3(double factor, double lowFactor, double highFactor, int originalContext) implements RotaryScaling {
        @Override
        public RotaryFrequencies frequencies(int headSize, double theta) {
            return new None().frequencies(headSize, theta).map((i, frequency) -> {
                double turns = originalContext * frequency / (2 * Math.PI); // over the original context
                double smooth = Math.clamp((turns - lowFactor) / (highFactor - lowFactor), 0.0, 1.0);
                return (1 - smooth) * frequency / factor + smooth * frequency;
            });
        }
    }

    /**
     * Only the fastest pairs of whole rows turn, the others stay as they are (Gemma 4).
     *
     * @param share  how much of a row turns
     * @param factor how many times closer positions are
     */
    record Proportional(double share, double factor) implements RotaryScaling {
        @Override
        public RotaryFrequencies frequencies(int headSize, double theta) {
            int turning = (int) (share * headSize / 2);
            return new None().frequencies(headSize, theta)
                    .map((i, frequency) -> i < turning ? frequency / factor : 0);
        }
    }

    /**
     * Pairs that turn seldom are stretched, those that turn often stay, with a linear ramp between; scores are
     * sharpened (YaRN, arXiv:2309.00071).
     *
     * @param factor          how much the slow pairs are stretched
     * @param originalContext positions the model was first trained for
     * @param betaFast        pairs that turn more often than this over the original context stay
     * @param betaSlow        pairs that turn less often than this are stretched in full
     * @param amplitude       factor of cosines and sines
     * @param truncate        whether the ramp begins and ends at whole pairs
     */
    record Yarn(double factor, int originalContext, double betaFast, double betaSlow, double amplitude,
            boolean truncate) implements RotaryScaling {
        private static final double SMALLEST_RAMP = 0.001;

        @Override
        public RotaryFrequencies frequencies(int headSize, double theta) {
            double low = pairThatTurns(betaFast, headSize, theta);
            double high = pairThatTurns(betaSlow, headSize, theta);
            double start = Math.max(truncate ? Math.floor(low) : low, 0);
            double end = Math.min(truncate ? Math.ceil(high) : high, headSize - 1);
            double width = start == end ? SMALLEST_RAMP : end - start;
            RotaryFrequencies stretched = new None().frequencies(headSize, theta).map((i, frequency) -> {
                double ramp = Math.clamp((i - start) / width, 0.0, 1.0);
                return ramp * frequency / factor + (1 - ramp) * frequency;
            });
            return new RotaryFrequencies(stretched.toArray(), amplitude);
        }

        private double pairThatTurns(double times, int headSize, double theta) {
            return headSize * Math.log(originalContext / (times * 2 * Math.PI)) / (2 * Math.log(theta));
        }
    }

    /**
     * Each pair is stretched by a factor of its own; sequences that outgrow the original context by other factors than
     * those that do not (LongRoPE, arXiv:2402.13753).
     *
     * @param shortFactors    factor of each pair in sequences within the original context
     * @param longFactors     factor of each pair in longer ones
     * @param originalContext positions the model was first trained for
     * @param amplitude       factor of cosines and sines, of both
     */
    record Longrope(List<Double> shortFactors, List<Double> longFactors, int originalContext, double amplitude)
            implements
                RotaryScaling {

        public Longrope {
            shortFactors = List.copyOf(shortFactors);
            longFactors = List.copyOf(longFactors);
        }

        @Override
        public RotaryFrequencies frequencies(int headSize, double theta) {
            return divided(headSize, theta, shortFactors);
        }

        @Override
        public RotaryFrequencies stretchedFrequencies(int headSize, double theta) {
            return divided(headSize, theta, longFactors);
        }

        @Override
        public OptionalInt stretchedBeyond() {
            return OptionalInt.of(originalContext);
        }

        private RotaryFrequencies divided(int headSize, double theta, List<Double> factors) {
            return new RotaryFrequencies(new None().frequencies(headSize, theta)
                    .map((i, frequency) -> frequency / factors.get(i)).toArray(), amplitude);
        }
    }
}
