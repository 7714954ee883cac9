// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.Optional;

/**
 * A norm of rows.
 *
 * @param kind         which
 * @param epsilon      added to the mean square, or variance
 * @param length       values of a row
 * @param weightOffset added to every weight: 1 where the files count from there, as Gemma's first three do
 * @param weight       a factor for each value, {@code (length)}; empty for none
 * @param bias         added to each value, {@code (length)}, if there is one
 */
public record NormConfig(Kind kind, float epsilon, int length, float weightOffset, Optional<TensorPart> weight,
        Optional<TensorPart> bias) {

    /** What a row is divided by. */
    public enum Kind {
        /** The root of the mean square (arXiv:1910.07467). */
        RMS,
        /** The standard deviation, after the mean is taken off (arXiv:1607.06450). */
        LAYER
    }

    /** Returns a norm by the root of the mean square. */
    public static NormConfig rms(float epsilon, float weightOffset, TensorPart weight) {
        return new NormConfig(Kind.RMS, epsilon, weight.rows(), weightOffset, Optional.of(weight), Optional.empty());
    }

    /** Returns a norm by the root of the mean square that has no weights. */
    public static NormConfig plainRms(float epsilon, int length) {
        return new NormConfig(Kind.RMS, epsilon, length, 0, Optional.empty(), Optional.empty());
    }

    /** Returns a layer norm with weights and biases of these names with {@code .weight} and {@code .bias} behind. */
    public static NormConfig layer(float epsilon, String name, int length) {
        return new NormConfig(Kind.LAYER, epsilon, length, 0, Optional.of(TensorPart.vector(name + ".weight", length)),
                Optional.of(TensorPart.vector(name + ".bias", length)));
    }
}
