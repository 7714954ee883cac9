// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.List;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.constrain.JsonConstraint;

/**
 * How an answer is generated. Immutable.
 *
 * @param sampling      how tokens are chosen
 * @param maxNewTokens  the most tokens the answer may have, null for as many as the context holds
 * @param stopSequences texts that end the answer and are not part of it
 * @param attention     attention of this answer, null for the model's default
 * @param constraint    what the answer must be, null for any text; it then always is, so it cannot have stop sequences
 *                      too: they would cut it
 */
public record GenerationOptions(SamplingOptions sampling, Integer maxNewTokens, List<String> stopSequences,
        AttentionMode attention, JsonConstraint constraint) {

    /** The most likely token always, until the model ends its answer or the context is full. */
    public static final GenerationOptions DEFAULT = new GenerationOptions(SamplingOptions.GREEDY, null, List.of(),
            null, null);

    public GenerationOptions {
        stopSequences = List.copyOf(stopSequences);
        if (maxNewTokens != null && maxNewTokens < 1) {
            throw new IllegalArgumentException("an answer must be allowed at least 1 token, found " + maxNewTokens);
        }
        if (stopSequences.contains("")) {
            throw new IllegalArgumentException("a stop sequence must not be empty");
        }
        if (constraint != null && !stopSequences.isEmpty()) {
            throw new IllegalArgumentException(
                    "an answer that is held to a schema cannot have stop sequences, found " + stopSequences);
        }
    }

    /** Returns these options with other sampling. */
    public GenerationOptions withSampling(SamplingOptions newSampling) {
        return new GenerationOptions(newSampling, maxNewTokens, stopSequences, attention, constraint);
    }

    /** Returns these options with another limit, null for none. */
    public GenerationOptions withMaxNewTokens(Integer newMaxNewTokens) {
        return new GenerationOptions(sampling, newMaxNewTokens, stopSequences, attention, constraint);
    }

    /** Returns these options with other stop sequences. */
    public GenerationOptions withStopSequences(List<String> newStopSequences) {
        return new GenerationOptions(sampling, maxNewTokens, newStopSequences, attention, constraint);
    }

    /** Returns these options with another attention, null for the model's default. */
    public GenerationOptions withAttention(AttentionMode newAttention) {
        return new GenerationOptions(sampling, maxNewTokens, stopSequences, newAttention, constraint);
    }

    /**
     * Returns these options with another constraint, null for none. The constraint must be for the vocabulary of the
     * model that answers ({@link TextTokenizer#vocabulary}).
     */
    public GenerationOptions withConstraint(JsonConstraint newConstraint) {
        return new GenerationOptions(sampling, maxNewTokens, stopSequences, attention, newConstraint);
    }
}
