// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

/**
 * How a layer takes what a token says to it, {@code c} of {@link LayerEmbeddingConfig}, behind its feed-forward
 * network: {@code x += norm(projection(activation(gate(x)) * c))}.
 *
 * @param activation of the gate
 * @param gate       {@code (size, hiddenSize)}
 * @param projection {@code (hiddenSize, size)}
 * @param norm       of what is added
 */
public record TokenInputConfig(Activation activation, Projection gate, Projection projection, NormConfig norm) {}
