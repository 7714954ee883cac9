// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.OptionalInt;

/**
 * What a model's configuration says of its rotary embedding.
 *
 * @param theta   base of the frequencies
 * @param scaling how they were stretched
 * @param share   how much of a head's row is turned, from its beginning; the rest is left as it is
 */
public record Rotary(double theta, RotaryScaling scaling, double share) {

    public Rotary {
        if (!(theta > 1 && share > 0 && share <= 1)) {
            throw new IllegalArgumentException("theta " + theta + ", share " + share);
        }
    }

    /** Creates an embedding that turns whole rows. */
    public Rotary(double theta, RotaryScaling scaling) {
        this(theta, scaling, 1);
    }

    /** Returns how many values of a head's row are turned, an even number. */
    public int turned(int headSize) {
        int whole = (int) (headSize * share);
        return whole + whole % 2;
    }

    /** Returns the frequencies of a head's pairs, those of what is {@linkplain #turned turned} only. */
    public RotaryFrequencies frequencies(int headSize) {
        return scaling.frequencies(turned(headSize), theta);
    }

    /**
     * Returns the frequencies of sequences that have more positions than {@link #stretchedBeyond} says; of all their
     * positions, not only of those beyond.
     */
    public RotaryFrequencies stretchedFrequencies(int headSize) {
        return scaling.stretchedFrequencies(turned(headSize), theta);
    }

    /** Returns the positions beyond which a sequence is turned by other frequencies, if there are others. */
    public OptionalInt stretchedBeyond() {
        return scaling.stretchedBeyond();
    }

    /**
     * Returns the positions a model can be used for: with YaRN more than {@code max_position_embeddings} may say, which
     * some configurations leave at what the model was first trained for.
     */
    int contextLength(int maxPositionEmbeddings) {
        return scaling instanceof RotaryScaling.Yarn yarn
                ? Math.clamp((long) (yarn.factor() * yarn.originalContext()), maxPositionEmbeddings,
                        ConfigValues.MAX_SIZE)
                : maxPositionEmbeddings;
    }
}
