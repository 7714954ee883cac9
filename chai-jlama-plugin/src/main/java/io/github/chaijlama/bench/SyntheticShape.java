// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.util.List;
import java.util.stream.IntStream;

/**
 * A Llama shape to be filled with random weights.
 *
 * @param name             name of the shape, part of the directory's name
 * @param layers           layers of the real model
 * @param hiddenSize       floats of a row between layers
 * @param intermediateSize floats of a row inside the feed-forward network
 * @param heads            query heads, a divisor of {@code hiddenSize}
 * @param kvHeads          key/value heads
 * @param vocabularySize   number of tokens
 * @param ropeTheta        base of the rotary embedding
 */
public record SyntheticShape(String name, int layers, int hiddenSize, int intermediateSize, int heads, int kvHeads,
        int vocabularySize, double ropeTheta) {

    private static final List<SyntheticShape> WELL_KNOWN = List.of(
            new SyntheticShape("llama-2-7b", 32, 4096, 11008, 32, 32, 32000, 10000),
            new SyntheticShape("llama-2-13b", 40, 5120, 13824, 40, 40, 32000, 10000),
            new SyntheticShape("llama-3.2-1b", 16, 2048, 8192, 32, 8, 128256, 500000),
            new SyntheticShape("mistral-7b", 32, 4096, 14336, 32, 8, 32768, 1000000),
            new SyntheticShape("tinyllama-1.1b", 22, 2048, 5632, 32, 4, 32000, 10000));

    /**
     * Returns the shape of a well-known model.
     *
     * @throws IllegalArgumentException if the name is not known, with those that are
     */
    public static SyntheticShape of(String name) {
        return WELL_KNOWN.stream().filter(shape -> shape.name.equals(name)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "shape must be one of " + String.join(", ", names()) + ", found " + name));
    }

    /** Returns some of a whole model's layers for a model of fewer: those in the middle of equal stretches. */
    public static <T> List<T> evenlySpaced(List<T> whole, int count) {
        return IntStream.range(0, count).mapToObj(i -> whole.get((2 * i + 1) * whole.size() / (2 * count))).toList();
    }

    /** Returns the names of the well-known shapes. */
    public static List<String> names() {
        return WELL_KNOWN.stream().map(SyntheticShape::name).toList();
    }
}
