// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.UUID;
import java.util.function.Supplier;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;

import io.github.chaijlama.ContextLengthException;
import io.github.chaijlama.generate.Cancellation;
import io.github.chaijlama.generate.GenerationListener;
import io.github.chaijlama.generate.GenerationOptions;
import io.github.chaijlama.generate.GenerationResult;
import io.github.chaijlama.kv.KvCacheFullException;
import io.github.chaijlama.template.ChatTemplateException;

/** What the blocking and the streaming model have in common: from a request to an answer, with LangChain4j's exceptions. */
final class ChaiAnswers {
    private final ChaiEngine engine;
    private final ChatRequestMapper mapper;

    ChaiAnswers(ChaiEngine engine, Long seed) {
        this.engine = engine;
        this.mapper = new ChatRequestMapper(engine.modelName(), seed);
    }

    /** A request that is ready to be answered. */
    record Prepared(int[] prompt, GenerationOptions options) {}

    /** Checks a request and turns it into tokens. */
    Prepared prepare(ChatRequest request) {
        return withTheirExceptions(() -> new Prepared(
                engine.textModel().chatPrompt(ChatRequestMapper.messages(request.messages())),
                mapper.options(request)));
    }

    /** Generates the answer to a request. */
    GenerationResult answer(Prepared prepared, GenerationListener listener, Cancellation cancellation) {
        return withTheirExceptions(
                () -> engine.textModel().chat(prepared.prompt(), prepared.options(), listener, cancellation));
    }

    ChatResponse response(GenerationResult result) {
        return ChatResponse.builder().aiMessage(AiMessage.from(result.text()))
                .metadata(ChaiChatResponseMetadata.builder().id(UUID.randomUUID().toString())
                        .modelName(engine.modelName())
                        .tokenUsage(new TokenUsage(result.promptTokens(), result.generatedTokens()))
                        .finishReason(finishReason(result.finishReason())).attention(result.attention())
                        .timeToFirstToken(result.timeToFirstToken()).duration(result.duration())
                        .kvCacheBytes(result.kvCacheBytes()).cachedPromptTokens(result.reusedTokens()).build())
                .build();
    }

    static FinishReason finishReason(io.github.chaijlama.generate.FinishReason reason) {
        return switch (reason) {
            case END_TOKEN, STOP_SEQUENCE -> FinishReason.STOP;
            case MAX_TOKENS, CONTEXT_FULL -> FinishReason.LENGTH;
            case CANCELLED -> FinishReason.OTHER;
        };
    }

    /**
     * Runs something and throws what callers of LangChain4j expect: a request that can never work is invalid, one that may work
     * later is not.
     */
    static <T> T withTheirExceptions(Supplier<T> action) {
        try {
            return action.get();
        } catch (LangChain4jException e) {
            throw e;
        } catch (ContextLengthException | ChatTemplateException | IllegalArgumentException e) {
            throw new InvalidRequestException(e.getMessage(), e);
        } catch (KvCacheFullException e) {
            throw e.isBeyondBudget() ? new InvalidRequestException(e.getMessage(), e)
                    : new RateLimitException(e.getMessage(), e);
        } catch (RuntimeException e) {
            throw new InternalServerException(e.getMessage(), e);
        }
    }
}
