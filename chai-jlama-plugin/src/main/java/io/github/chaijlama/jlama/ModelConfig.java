// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.util.List;

import com.github.tjake.jlama.math.ActivationFunction;
import com.github.tjake.jlama.safetensors.Config;

import io.github.chaijlama.attention.HeadLayout;
import io.github.chaijlama.profile.ModelShape;

/**
 * What a model's config.json says, checked.
 *
 * @param family            the architecture
 * @param layers            number of layers
 * @param hiddenSize        floats of a row between layers
 * @param intermediateSize  floats of a row inside the feed-forward network
 * @param heads             attention heads
 * @param vocabularySize    number of tokens
 * @param contextLength     positions of the context
 * @param normEpsilon       added to the mean square in the norms
 * @param activation        activation function of the feed-forward network
 * @param ropeTheta         base of the rotary embedding's frequencies
 * @param tiedEmbeddings    whether the output uses the embedding's weights
 * @param bosToken          token that begins a sequence, null if the model has none
 * @param eosTokens         tokens that end an answer
 */
public record ModelConfig(ModelFamily family, int layers, int hiddenSize, int intermediateSize, HeadLayout heads,
        int vocabularySize, int contextLength, float normEpsilon, ActivationFunction.Type activation, double ropeTheta,
        boolean tiedEmbeddings, Integer bosToken, List<Integer> eosTokens) {

    /** Returns the part of the shape a cluster profile depends on. */
    public ModelShape shape() {
        return new ModelShape(family.modelType(), layers, heads.numberOfHeads(), heads.numberOfKvHeads(),
                heads.headSize());
    }

    ModelConfig withEosTokens(List<Integer> newEosTokens) {
        return new ModelConfig(family, layers, hiddenSize, intermediateSize, heads, vocabularySize, contextLength,
                normEpsilon, activation, ropeTheta, tiedEmbeddings, bosToken, newEosTokens);
    }

    /** Returns the factor of the attention scores. */
    float attentionScale() {
        return (float) (1 / Math.sqrt(heads.headSize()));
    }

    /**
     * Returns the configuration as Jlama's model classes take it.
     *
     * @param rotary whether Jlama makes its own table of angles, which only its own attention needs: 222 MiB and two
     *               seconds for a context of 131,072. Its attention looks two positions further on for each head (which leaves the
     *               scores as they are) and would leave the table before the context ends; so the table is that much longer.
     */
    Config toJlama(boolean rotary) {
        // Without Jlama's attention its buffers only name sequences, but have places for pages of the whole context: 64 MiB
        // each for 2^24 positions of a model of 7 billion parameters.
        int positions = rotary ? contextLength + 2 * heads.numberOfHeads() : 1;
        return new Config(positions, hiddenSize, intermediateSize, heads.numberOfHeads(), heads.numberOfKvHeads(),
                layers, normEpsilon, vocabularySize, bosToken == null ? -1 : bosToken, eosTokens, activation,
                rotary ? (Double) ropeTheta : null, null, null, heads.headSize(), null, null, null, null, null, null);
    }
}
