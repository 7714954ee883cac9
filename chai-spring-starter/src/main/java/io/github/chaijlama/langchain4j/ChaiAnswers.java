// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.TimeoutException;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;

import io.github.chaijlama.ContextLengthException;
import io.github.chaijlama.generate.Cancellation;
import io.github.chaijlama.generate.GenerationListener;
import io.github.chaijlama.generate.GenerationResult;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.kv.KvCacheFullException;
import io.github.chaijlama.schedule.BusyException;
import io.github.chaijlama.schedule.TimeLimitException;
import io.github.chaijlama.template.ChatTemplateException;
import io.github.chaijlama.tool.ToolCall;
import io.github.chaijlama.tool.ToolCallParser;

/**
 * What the blocking and the streaming model have in common: from a request to an answer, with LangChain4j's exceptions.
 */
final class ChaiAnswers {
    private final EngineHold hold;
    private final String modelName;
    private final Set<Capability> capabilities;
    private final ChatRequestMapper mapper;

    ChaiAnswers(EngineHold hold, ChaiChatModelBuilder<?> builder, ChatRequestParameters defaults) {
        this.hold = hold;
        ChaiEngine engine = hold.engine();
        this.modelName = engine.modelName();
        this.capabilities = engine.constraints().arePossible() ? Set.of(Capability.RESPONSE_FORMAT_JSON_SCHEMA)
                : Set.of();
        this.mapper = new ChatRequestMapper(engine, builder, defaults.stopSequences());
    }

    /** Returns what any model on this engine is capable of. */
    Set<Capability> capabilities() {
        return capabilities;
    }

    /** Checks a request. */
    MappedRequest map(ChatRequest request) {
        return withTheirExceptions(() -> {
            hold.engine();
            return mapper.map(request);
        });
    }

    /** Generates the answer to a request. */
    GenerationResult answer(MappedRequest request, GenerationListener listener, Cancellation cancellation) {
        return withTheirExceptions(() -> {
            TextModel model = hold.engine().textModel();
            return model.chat(model.chatPrompt(request.messages(), request.prompt()), request.options(), listener,
                    cancellation);
        });
    }

    /** Returns the response to a request without tools. */
    ChatResponse response(MappedRequest request, GenerationResult result) {
        return response(result, message(request, result).text(result.text()).build());
    }

    /**
     * Returns the response to a request with tools.
     *
     * @param parser has read the whole answer
     */
    ChatResponse response(MappedRequest request, GenerationResult result, ToolCallParser parser) {
        if (parser.calls().isEmpty()) {
            return response(result, message(request, result).text(parser.text()).build());
        }
        return response(result, message(request, result).text(parser.text().isEmpty() ? null : parser.text())
                .toolExecutionRequests(parser.calls().stream().map(ChaiAnswers::request).toList()).build());
    }

    private static AiMessage.Builder message(MappedRequest request, GenerationResult result) {
        return AiMessage.builder()
                .thinking(request.returnThinking() && !result.thinking().isEmpty() ? result.thinking() : null);
    }

    /** Returns a call in LangChain4j's words. */
    static ToolExecutionRequest request(ToolCall call) {
        return ToolExecutionRequest.builder().id(call.id()).name(call.name()).arguments(call.arguments()).build();
    }

    private ChatResponse response(GenerationResult result, AiMessage message) {
        FinishReason reason = finishReason(result.finishReason());
        return ChatResponse.builder().aiMessage(message)
                .metadata(ChaiChatResponseMetadata.builder().id(UUID.randomUUID().toString())
                        .modelName(modelName)
                        .tokenUsage(new TokenUsage(result.promptTokens(), result.generatedTokens()))
                        .finishReason(message.hasToolExecutionRequests() && reason == FinishReason.STOP
                                ? FinishReason.TOOL_EXECUTION
                                : reason)
                        .attention(result.attention()).timeToFirstToken(result.timeToFirstToken())
                        .duration(result.duration()).kvCacheBytes(result.kvCacheBytes())
                        .cachedPromptTokens(result.reusedTokens()).counts(result.counts()).build())
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
     * Runs something and throws what callers of LangChain4j expect: a request that can never work is invalid, one that
     * may work later is not.
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
        } catch (BusyException e) {
            throw new RateLimitException(e.getMessage(), e);
        } catch (TimeLimitException e) {
            throw new TimeoutException(e.getMessage(), e);
        } catch (RuntimeException e) {
            throw new InternalServerException(e.getMessage(), e);
        }
    }
}
