// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.List;
import java.util.Optional;

import org.jspecify.annotations.Nullable;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.constrain.JsonConstraint;

/**
 * How an answer is generated. Immutable.
 *
 * @param sampling      how tokens are chosen
 * @param maxNewTokens  the most tokens that thinking and answer may have, empty for as many as the context holds
 * @param stopSequences texts that end the answer and are not part of it; what the model thinks before it may have them
 * @param attention     attention of this answer, empty for the model's default
 * @param constraint    what the answer must be, empty for any text; it then always is, so it cannot have stop sequences
 *                      too: they would cut it. It holds from the end of thinking on
 * @param guess         whether steps check tokens that may come next, taken from prompt and answer, beside those that
 *                      come: the same text in fewer steps where an answer repeats what it was told. Only answers that
 *                      share steps are guessed
 */
public record GenerationOptions(SamplingOptions sampling, Optional<Integer> maxNewTokens, List<String> stopSequences,
        Optional<AttentionMode> attention, Optional<JsonConstraint> constraint, boolean guess) {

    /** The most likely token always, until the model ends its answer or the context is full. */
    public static final GenerationOptions DEFAULT = new GenerationOptions(SamplingOptions.GREEDY,
            Optional.empty(), List.of(), Optional.empty(), Optional.empty(), false);

    public GenerationOptions {
        stopSequences = List.copyOf(stopSequences);
        maxNewTokens.filter(tokens -> tokens < 1).ifPresent(tokens -> {
            throw new IllegalArgumentException("an answer must be allowed at least 1 token, found " + tokens);
        });
        if (stopSequences.contains("")) {
            throw new IllegalArgumentException("a stop sequence must not be empty");
        }
        if (constraint.isPresent() && !stopSequences.isEmpty()) {
            throw new IllegalArgumentException(
                    "an answer that is held to a schema cannot have stop sequences, found " + stopSequences);
        }
    }

    /** Returns these options with other sampling. */
    public GenerationOptions withSampling(SamplingOptions newSampling) {
        return new GenerationOptions(newSampling, maxNewTokens, stopSequences, attention, constraint, guess);
    }

    /** Returns these options with another limit, absent for none. */
    public GenerationOptions withMaxNewTokens(@Nullable Integer newMaxNewTokens) {
        return new GenerationOptions(sampling, Optional.ofNullable(newMaxNewTokens), stopSequences, attention,
                constraint, guess);
    }

    /** Returns these options with other stop sequences. */
    public GenerationOptions withStopSequences(List<String> newStopSequences) {
        return new GenerationOptions(sampling, maxNewTokens, newStopSequences, attention, constraint, guess);
    }

    /** Returns these options with another attention, absent for the model's default. */
    public GenerationOptions withAttention(@Nullable AttentionMode newAttention) {
        return new GenerationOptions(sampling, maxNewTokens, stopSequences, Optional.ofNullable(newAttention),
                constraint, guess);
    }

    /**
     * Returns these options with another constraint, absent for none. The constraint must be for the vocabulary of the
     * model that answers ({@link TextTokenizer#vocabulary}).
     */
    public GenerationOptions withConstraint(@Nullable JsonConstraint newConstraint) {
        return new GenerationOptions(sampling, maxNewTokens, stopSequences, attention,
                Optional.ofNullable(newConstraint), guess);
    }

    /** Returns these options with guesses, or without. */
    public GenerationOptions withGuess(boolean newGuess) {
        return new GenerationOptions(sampling, maxNewTokens, stopSequences, attention, constraint, newGuess);
    }
}
