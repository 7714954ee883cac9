// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.ToolChoice;

import io.github.chaijlama.generate.ChatMessage;
import io.github.chaijlama.generate.GenerationOptions;
import io.github.chaijlama.generate.SamplingOptions;

/**
 * Turns LangChain4j's requests into this project's. Every parameter of {@link ChatRequestParameters} is honoured or refused with
 * an {@link UnsupportedFeatureException}; none is ignored. What other providers add in classes of their own is not looked at.
 */
final class ChatRequestMapper {
    private final String modelName;
    private final Long seed;

    /**
     * Creates a mapper.
     *
     * @param modelName the only name a request may ask for
     * @param seed      seed of every answer's random choices, null for different ones each time
     */
    ChatRequestMapper(String modelName, Long seed) {
        this.modelName = modelName;
        this.seed = seed;
    }

    /** Returns the conversation of a request. */
    static List<ChatMessage> messages(List<dev.langchain4j.data.message.ChatMessage> messages) {
        return messages.stream().map(ChatRequestMapper::message).toList();
    }

    private static ChatMessage message(dev.langchain4j.data.message.ChatMessage message) {
        return switch (message) {
            case SystemMessage system -> ChatMessage.system(system.text());
            case UserMessage user -> ChatMessage.user(text(user.contents()));
            case AiMessage ai when ai.hasToolExecutionRequests() -> throw unsupported("tool calls in messages");
            case AiMessage ai -> ChatMessage.assistant(ai.text() == null ? "" : ai.text());
            default -> throw unsupported("messages of type " + message.type());
        };
    }

    private static String text(List<Content> contents) {
        return contents.stream().map(content -> {
            if (content instanceof TextContent text) {
                return text.text();
            }
            throw unsupported("content of type " + content.type().toString().toLowerCase(Locale.ROOT));
        }).collect(Collectors.joining("\n"));
    }

    /**
     * Returns how to generate the answer.
     *
     * @throws UnsupportedFeatureException if the request asks for something this model cannot do
     * @throws IllegalArgumentException    if a value is impossible
     */
    GenerationOptions options(ChatRequest request) {
        ChatRequestParameters parameters = request.parameters();
        refuseUnsupported(parameters);
        double temperature = parameters.temperature() == null ? 0 : parameters.temperature();
        double topP = parameters.topP() == null ? 1 : parameters.topP();
        return GenerationOptions.DEFAULT
                .withSampling(new SamplingOptions(temperature, parameters.topK(), topP, seed))
                .withMaxNewTokens(parameters.maxOutputTokens()).withStopSequences(parameters.stopSequences());
    }

    private void refuseUnsupported(ChatRequestParameters parameters) {
        if (parameters.modelName() != null && !parameters.modelName().equals(modelName)) {
            throw unsupported("model '" + parameters.modelName() + "' (this is '" + modelName + "')");
        }
        refusePenalty("frequencyPenalty", parameters.frequencyPenalty());
        refusePenalty("presencePenalty", parameters.presencePenalty());
        if (!parameters.toolSpecifications().isEmpty()) {
            throw unsupported("tools");
        }
        if (parameters.toolChoice() == ToolChoice.REQUIRED) {
            throw unsupported("tool choice REQUIRED");
        }
        if (parameters.responseFormat() != null && parameters.responseFormat().type() == ResponseFormatType.JSON) {
            throw unsupported("JSON response format");
        }
    }

    private static void refusePenalty(String name, Double penalty) {
        if (penalty != null && penalty != 0) {
            throw unsupported("'" + name + "'");
        }
    }

    private static UnsupportedFeatureException unsupported(String what) {
        return new UnsupportedFeatureException(what + " is not supported by this model");
    }
}
