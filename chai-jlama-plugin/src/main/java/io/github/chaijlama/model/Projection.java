// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.Optional;

/**
 * A linear layer, {@code y = W x + b}.
 *
 * @param weight {@code W}, {@code (out, in)}
 * @param bias   {@code b}, {@code (out)}, if there is one
 */
public record Projection(TensorPart weight, Optional<TensorPart> bias) {

    /** Returns the layer that gives some of this one's values. */
    Projection rows(int first, int count) {
        return new Projection(weight.rows(first, count), bias.map(part -> part.rows(first, count)));
    }

    /** Returns a layer without bias. */
    public static Projection of(TensorPart weight) {
        return new Projection(weight, Optional.empty());
    }

    /** Returns the layer of {@code name.weight} and, if it has one, {@code name.bias}. */
    public static Projection named(String name, int out, int in, boolean biased) {
        return new Projection(TensorPart.matrix(name + ".weight", out, in),
                biased ? Optional.of(TensorPart.vector(name + ".bias", out)) : Optional.empty());
    }
}
