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

/** What the blocking and the streaming language model have in common: from a text to its continuation. */
final class ChaiCompletions {
    private final EngineHold hold;
    private final GenerationOptions options;

    ChaiCompletions(ChaiModelBuilder<?> builder, EngineHold hold) {
        this.hold = hold;
        this.options = GenerationOptions.DEFAULT
                .withSampling(Sampling.of(builder, hold.engine())).withMaxNewTokens(builder.maxOutputTokens)
                .withStopSequences(builder.stopSequences == null
                        ? hold.engine().textModel().generationConfig().stopSequences()
                        : builder.stopSequences)
                .withGuess(builder.guess);
    }

    Response<String> complete(@Nullable String prompt, GenerationListener listener) {
        return ChaiAnswers.withTheirExceptions(() -> {
            if (prompt == null) {
                throw new IllegalArgumentException("there is no prompt: expected a text, found null");
            }
            ChaiEngine engine = hold.engine();
            int[] tokens = engine.textModel().tokenizer().encodePrompt(prompt);
            return response(engine.modelName(),
                    engine.textModel().complete(tokens, options, listener, new Cancellation()));
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
