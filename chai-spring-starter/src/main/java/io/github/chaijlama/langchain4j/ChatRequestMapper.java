// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

import com.fasterxml.jackson.databind.JsonNode;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.ToolChoice;
import org.jspecify.annotations.Nullable;

import io.github.chaijlama.constrain.JsonConstraint;
import io.github.chaijlama.generate.ChatMessage;
import io.github.chaijlama.generate.ChatTemplate;
import io.github.chaijlama.generate.GenerationOptions;
import io.github.chaijlama.generate.PromptOptions;
import io.github.chaijlama.generate.SamplingOptions;
import io.github.chaijlama.tool.ToolDefinition;

import static io.github.chaijlama.langchain4j.MessageMapper.unsupported;

/**
 * Turns LangChain4j's requests into this project's. Every parameter of {@link ChatRequestParameters} is honoured or
 * refused with an {@link UnsupportedFeatureException}; none is ignored, nor is what {@link ChaiChatRequestParameters}
 * add. What other providers add in classes of their own is not looked at.
 *
 * <p>With a JSON response format or tool choice REQUIRED the answer is held to a schema. Where tools are offered beside
 * a response format, the answer is either a call or of that format.
 */
final class ChatRequestMapper {
    private final ChaiEngine engine;
    private final @Nullable Long seed;
    private final double repetitionPenalty;
    private final boolean sendThinking;
    private final boolean guess;
    private final boolean returnThinking;
    private final List<String> defaultStopSequences;

    /**
     * Creates a mapper.
     *
     * @param builder              has what requests have no place for
     * @param defaultStopSequences those of requests that name none; answers that are held to a schema do without them
     */
    ChatRequestMapper(ChaiEngine engine, ChaiChatModelBuilder<?> builder, List<String> defaultStopSequences) {
        this.engine = engine;
        this.seed = builder.seed;
        this.sendThinking = builder.sendThinking;
        this.guess = builder.guess;
        this.returnThinking = builder.returnThinking;
        this.repetitionPenalty = Sampling.repetitionPenalty(builder, engine);
        this.defaultStopSequences = List.copyOf(defaultStopSequences);
    }

    /**
     * Returns a request in this project's words.
     *
     * @throws UnsupportedFeatureException if the request asks for something this model cannot do
     * @throws InvalidRequestException     if it contradicts itself
     * @throws IllegalArgumentException    if a value is impossible
     */
    MappedRequest map(ChatRequest request) {
        ChaiChatRequestParameters parameters = ChaiChatRequestParameters.of(request.parameters());
        requireModelName(parameters.modelName(), engine.modelName());
        List<ToolDefinition> tools = tools(parameters);
        boolean startCall = parameters.toolChoice() == ToolChoice.REQUIRED;
        if (startCall && tools.isEmpty()) {
            throw new InvalidRequestException("tool choice REQUIRED needs at least one tool, found none");
        }
        Optional<JsonNode> format = responseSchema(parameters.responseFormat());
        List<ChatMessage> messages = MessageMapper.messages(request.messages(), sendThinking);
        if (format.isPresent() && !startCall && parameters.responseFormat().jsonSchema() != null) {
            messages = withInstruction(messages, FormatInstruction.of(format.get()));
        }
        return new MappedRequest(messages,
                new PromptOptions(tools, startCall, Optional.ofNullable(parameters.enableThinking())),
                options(parameters, constraint(tools, startCall, format)),
                Objects.requireNonNullElse(parameters.returnThinking(), returnThinking));
    }

    /**
     * Refuses other models than this one.
     *
     * @param asked absent for any
     */
    static void requireModelName(@Nullable String asked, String modelName) {
        if (asked != null && !asked.equals(modelName)) {
            throw unsupported("modelName '" + asked + "' (this is '" + modelName + "')");
        }
    }

    private List<ToolDefinition> tools(ChatRequestParameters parameters) {
        if (parameters.toolChoice() == ToolChoice.NONE || parameters.toolSpecifications().isEmpty()) {
            return List.of();
        }
        if (!engine.textModel().chatTemplate().map(ChatTemplate::acceptsTools).orElse(false)) {
            throw unsupported("tools (the model's chat template has no place for them)");
        }
        return parameters.toolSpecifications().stream().map(JsonSchemas::tool).toList();
    }

    /** Returns the schema of the answer's text, empty for any text. */
    private static Optional<JsonNode> responseSchema(@Nullable ResponseFormat format) {
        if (format == null || format.type() != ResponseFormatType.JSON) {
            return Optional.empty();
        }
        return Optional.of(format.jsonSchema() == null ? JsonSchemas.anyObject()
                : JsonSchemas.of(format.jsonSchema().rootElement()));
    }

    /** Returns what the answer must be, empty for any text. */
    private Optional<JsonConstraint> constraint(List<ToolDefinition> tools, boolean startCall,
            Optional<JsonNode> format) {
        if (tools.isEmpty()) {
            return format.map(engine.constraints()::of);
        }
        if (!startCall && format.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(engine.constraints().of(JsonSchemas.callOrAnswer(tools,
                engine.textModel().toolCallFormat(), startCall, startCall ? Optional.empty() : format)));
    }

    private static List<ChatMessage> withInstruction(List<ChatMessage> messages, String instruction) {
        List<ChatMessage> instructed = new ArrayList<>(messages);
        for (int i = messages.size() - 1; i >= 0; i--) {
            if (messages.get(i).role().equals("user")) {
                instructed.set(i, ChatMessage.user(messages.get(i).content() + "\n" + instruction));
                break;
            }
        }
        return instructed;
    }

    private GenerationOptions options(ChaiChatRequestParameters parameters, Optional<JsonConstraint> constraint) {
        List<String> stopSequences = parameters.stopSequences();
        if (constraint.isPresent()) {
            if (!stopSequences.equals(defaultStopSequences)) {
                throw unsupported("stopSequences beside a JSON response format or tool choice REQUIRED");
            }
            stopSequences = List.of();
        }
        SamplingOptions sampling = Sampling.of(parameters.temperature(), parameters.topK(), parameters.topP(),
                parameters.frequencyPenalty(), parameters.presencePenalty(), repetitionPenalty,
                parameters.seed() == null ? seed : parameters.seed());
        GenerationOptions options = GenerationOptions.DEFAULT.withSampling(sampling)
                .withAttention(parameters.attention()).withMaxNewTokens(parameters.maxOutputTokens())
                .withStopSequences(stopSequences).withGuess(guess);
        return constraint.map(options::withConstraint).orElse(options);
    }
}
