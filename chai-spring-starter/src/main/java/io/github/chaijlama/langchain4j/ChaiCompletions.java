// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.HashMap;
import java.util.Map;
import java.util.UUID;

import dev.langchain4j.model.output.Response;
import dev.langchain4j.model.output.TokenUsage;
import org.jspecify.annotations.Nullable;

import io.github.chaijlama.generate.Cancellation;
import io.github.chaijlama.generate.GenerationListener;
import io.github.chaijlama.generate.GenerationOptions;
import io.github.chaijlama.generate.GenerationResult;
import io.github.chaijlama.generate.SamplingOptions;

/** What the blocking and the streaming language model have in common: from a text to its continuation. */
final class ChaiCompletions {
    private final EngineHold hold;
    private final GenerationOptions options;
    private final double repetitionPenalty;

    ChaiCompletions(ChaiModelBuilder<?> builder, EngineHold hold) {
        this.hold = hold;
        this.repetitionPenalty = Sampling.repetitionPenalty(builder, hold.engine());
        this.options = GenerationOptions.DEFAULT
                .withSampling(Sampling.of(builder, hold.engine())).withMaxNewTokens(builder.maxOutputTokens)
                .withStopSequences(builder.stopSequences == null
                        ? hold.engine().textModel().generationConfig().stopSequences()
                        : builder.stopSequences)
                .withGuess(builder.guess);
    }

    Response<String> complete(@Nullable String prompt, GenerationListener listener) {
        return complete(prompt, options, listener, new Cancellation());
    }

    /** Continues a text as one request wants it. */
    Response<String> complete(@Nullable String prompt, ChaiChatRequestParameters parameters,
            GenerationListener listener, Cancellation cancellation) {
        return complete(prompt, ChaiAnswers.withTheirExceptions(() -> options(parameters)), listener, cancellation);
    }

    private GenerationOptions options(ChaiChatRequestParameters parameters) {
        ChatRequestMapper.requireModelName(parameters.modelName(), hold.engine().modelName());
        if (!parameters.toolSpecifications().isEmpty() || parameters.toolChoice() != null) {
            throw MessageMapper.unsupported("tools where a text is continued");
        }
        if (parameters.responseFormat() != null) {
            throw MessageMapper.unsupported("a response format where a text is continued");
        }
        SamplingOptions own = options.sampling();
        SamplingOptions sampling = Sampling.of(said(parameters.temperature(), own.temperature()),
                said(parameters.topK(), own.topK().orElse(null)), said(parameters.topP(), own.topP()),
                said(parameters.frequencyPenalty(), own.penalties().frequency()),
                said(parameters.presencePenalty(), own.penalties().presence()), repetitionPenalty,
                said(parameters.seed(), own.seed().orElse(null)));
        return options.withSampling(sampling).withAttention(parameters.attention())
                .withMaxNewTokens(said(parameters.maxOutputTokens(), options.maxNewTokens().orElse(null)))
                .withStopSequences(parameters.stopSequences().isEmpty() ? options.stopSequences()
                        : parameters.stopSequences());
    }

    /** What a request says, or else what the model's builder says. */
    private static <T> @Nullable T said(@Nullable T requested, @Nullable T otherwise) {
        return requested == null ? otherwise : requested;
    }

    private Response<String> complete(@Nullable String prompt, GenerationOptions requested, GenerationListener listener,
            Cancellation cancellation) {
        return ChaiAnswers.withTheirExceptions(() -> {
            if (prompt == null) {
                throw new IllegalArgumentException("there is no prompt: expected a text, found null");
            }
            ChaiEngine engine = hold.engine();
            int[] tokens = engine.textModel().tokenizer().encodePrompt(prompt);
            return response(engine.modelName(),
                    engine.textModel().complete(tokens, requested, listener, cancellation));
        });
    }

    private static Response<String> response(String modelName, GenerationResult result) {
        Map<String, Object> metadata = new HashMap<>(Map.of("id", UUID.randomUUID().toString(), "modelName", modelName,
                "attention", result.attention(), "timeToFirstToken", result.timeToFirstToken(), "duration",
                result.duration(), "cachedPromptTokens", result.reusedTokens(), "steps", result.counts().steps(),
                "guessedTokens", result.counts().guessedTokens(), "rightGuesses", result.counts().rightGuesses()));
        result.kvCacheBytes().ifPresent(bytes -> metadata.put("kvCacheBytes", bytes));
        return Response.from(result.text(), new TokenUsage(result.promptTokens(), result.generatedTokens()),
                ChaiAnswers.finishReason(result.finishReason()), metadata);
    }
}
