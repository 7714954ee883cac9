// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.util.List;

import com.github.tjake.jlama.math.ActivationFunction;
import com.github.tjake.jlama.model.mixtral.MixtralConfig;
import com.github.tjake.jlama.safetensors.Config;

import io.github.chaijlama.attention.HeadLayout;
import io.github.chaijlama.attention.RotaryScaling;
import io.github.chaijlama.attention.ScoreRules;
import io.github.chaijlama.profile.ModelShape;

/**
 * What a model's config.json says, checked.
 *
 * @param family           the architecture
 * @param layers           number of layers
 * @param hiddenSize       floats of a row between layers
 * @param intermediateSize floats of a row inside the feed-forward network
 * @param heads            attention heads
 * @param scores           how attention scores become probabilities
 * @param rotary           rotary embedding, null if positions are embedded otherwise
 * @param vocabularySize   number of tokens
 * @param contextLength    positions of the context
 * @param normEpsilon      added to the mean square, or variance, in the norms
 * @param activation       activation function of the feed-forward network
 * @param multipliers      factors and caps on rows
 * @param experts          feed-forward networks a token's router chooses from; 0 if there is one for all tokens
 * @param expertsPerToken  how many it chooses
 * @param tiedEmbeddings   whether the output uses the embedding's weights
 * @param bosToken         token that begins a sequence, null if the model has none
 * @param eosTokens        tokens that end an answer
 */
public record ModelConfig(ModelFamily family, int layers, int hiddenSize, int intermediateSize, HeadLayout heads,
        ScoreRules scores, Rotary rotary, int vocabularySize, int contextLength, float normEpsilon,
        ActivationFunction.Type activation, Multipliers multipliers, int experts, int expertsPerToken,
        boolean tiedEmbeddings, Integer bosToken, List<Integer> eosTokens) {

    /** Returns the part of the shape a cluster profile depends on. */
    public ModelShape shape() {
        return new ModelShape(family.modelType(), layers, heads.numberOfHeads(), heads.numberOfKvHeads(),
                heads.headSize());
    }

    ModelConfig withEosTokens(List<Integer> newEosTokens) {
        return new ModelConfig(family, layers, hiddenSize, intermediateSize, heads, scores, rotary, vocabularySize,
                contextLength, normEpsilon, activation, multipliers, experts, expertsPerToken, tiedEmbeddings, bosToken,
                newEosTokens);
    }

    ModelConfig withContextLength(int newContextLength) {
        return new ModelConfig(family, layers, hiddenSize, intermediateSize, heads, scores, rotary, vocabularySize,
                newContextLength, normEpsilon, activation, multipliers, experts, expertsPerToken, tiedEmbeddings,
                bosToken, eosTokens);
    }

    /** Returns the shortest sliding window of any layer, 0 if there is none. */
    int shortestWindow() {
        return scores.windows().stream().filter(window -> window > 0).min(Integer::compare).orElse(0);
    }

    /**
     * Returns the configuration as Jlama's model classes take it.
     *
     * @param withRotary whether Jlama makes its own table of angles, which only its own attention needs: 222 MiB and
     *                   two seconds for a context of 131,072. Its attention looks two positions further on for each
     *                   head (which leaves the scores as they are) and would leave the table before the context ends;
     *                   so the table is that much longer.
     */
    Config toJlama(boolean withRotary) {
        // Without Jlama's attention its buffers only name sequences, but have places for pages of the whole context: 64
        // MiB each for 2^24 positions of a model of 7 billion parameters.
        int positions = !withRotary ? 1 : rotary == null ? contextLength : contextLength + 2 * heads.numberOfHeads();
        int bos = bosToken == null ? -1 : bosToken;
        Double theta = withRotary && rotary != null ? (Double) rotary.theta() : null;
        if (experts > 0) {
            return new MixtralConfig(positions, hiddenSize, intermediateSize, heads.numberOfHeads(),
                    heads.numberOfKvHeads(), layers, normEpsilon, vocabularySize, bos, -1, theta, activation, experts,
                    expertsPerToken);
        }
        Double factor = rotary != null && rotary.scaling() instanceof RotaryScaling.Linear linear
                ? (Double) linear.factor()
                : null;
        return new Config(positions, hiddenSize, intermediateSize, heads.numberOfHeads(), heads.numberOfKvHeads(),
                layers, normEpsilon, vocabularySize, bos, eosTokens, activation, theta, factor, null, heads.headSize(),
                unless(0, multipliers.logitSoftCap()), unless(0, scores.softCap()), unless(1, multipliers.residual()),
                scores.scale(), unless(1, multipliers.embedding()), unless(1, multipliers.logitDivisor()));
    }

    private static Float unless(float nothing, float value) {
        return value == nothing ? null : (Float) value;
    }
}
