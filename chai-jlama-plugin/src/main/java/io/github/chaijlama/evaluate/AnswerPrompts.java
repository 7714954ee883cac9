// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;

import com.fasterxml.jackson.databind.JsonNode;

import io.github.chaijlama.generate.ChatMessage;
import io.github.chaijlama.generate.PromptOptions;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.template.ChatTemplateException;
import io.github.chaijlama.tool.ToolDefinition;

/**
 * Prompts to ask a model with: the places in conversations where somebody answered, and some short first messages and
 * requests with tools of this project's own, rendered with the model's chat template. What a template refuses is left
 * out; a model without one has no prompts. Not thread-safe.
 */
public final class AnswerPrompts {
    private static final String OWN = "prompts.jsonl";
    /** Longer prompts are what whole texts measure. */
    private static final int MAX_TOKENS = 1024;

    private final TextModel model;
    private final List<List<ChatMessage>> conversations;
    private final PromptOptions options;

    private AnswerPrompts(TextModel model, List<List<ChatMessage>> conversations) {
        this.model = model;
        this.conversations = conversations;
        // A model that thinks aloud would fill the room of an answer with it.
        this.options = PromptOptions.NONE.withThinking(false);
    }

    /**
     * A prompt.
     *
     * @param tokens up to where the answer begins
     * @param first  whether nothing in it was answered before
     */
    record Prompt(int[] tokens, boolean first) {}

    /**
     * Returns the prompts of texts.
     *
     * @param texts texts of this model
     */
    public static AnswerPrompts of(TextModel model, TextSet texts) {
        return new AnswerPrompts(model, texts.conversations());
    }

    /** Returns the model that is asked. */
    TextModel model() {
        return model;
    }

    /**
     * Returns the prompts of texts.
     *
     * @param texts indexes of the texts to take them from, in this order
     */
    List<Prompt> of(List<Integer> texts) {
        List<Prompt> prompts = new ArrayList<>();
        if (model.chatTemplate().isPresent()) {
            texts.forEach(text -> addConversation(conversations.get(text), prompts));
        }
        return prompts;
    }

    private void addConversation(List<ChatMessage> messages, List<Prompt> prompts) {
        boolean first = true;
        for (int at = 1; at < messages.size(); at++) {
            if (messages.get(at).role().equals("assistant")) {
                List<ChatMessage> before = messages.subList(0, at);
                add(() -> model.chatPrompt(before, options), first, prompts);
                first = false;
            }
        }
    }

    /**
     * Returns prompts of this project's own.
     *
     * @param half 0 or 1: every other one
     */
    List<Prompt> own(int half) {
        List<Prompt> prompts = new ArrayList<>();
        if (model.chatTemplate().isPresent()) {
            addOwn(half, prompts);
        }
        return prompts;
    }

    private void addOwn(int half, List<Prompt> prompts) {
        try (InputStream in = Objects.requireNonNull(AnswerPrompts.class.getResourceAsStream(OWN), OWN)) {
            List<String> lines = new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
            for (int line = half; line < lines.size(); line += 2) {
                JsonLine entry = JsonLine.parse(lines.get(line));
                List<ChatMessage> messages = entry.messages("messages");
                List<ToolDefinition> tools = tools(entry);
                add(() -> model.chatPrompt(messages, options.withTools(tools, false)), true, prompts);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (BadLineException e) {
            throw new IllegalStateException(OWN, e);
        }
    }

    private static List<ToolDefinition> tools(JsonLine line) {
        List<ToolDefinition> tools = new ArrayList<>();
        for (JsonNode tool : line.node().path("tools")) {
            tools.add(new ToolDefinition(tool.path("name").asText(), tool.path("description").asText(),
                    tool.path("parameters")));
        }
        return tools;
    }

    private void add(Supplier<int[]> rendered, boolean first, List<Prompt> prompts) {
        render(rendered).filter(tokens -> tokens.length > 0 && tokens.length <= longest())
                .ifPresent(tokens -> prompts.add(new Prompt(tokens, first)));
    }

    private int longest() {
        return Math.min(MAX_TOKENS, model.model().config().contextLength() - ExactAnswers.MAX_TOKENS);
    }

    private static Optional<int[]> render(Supplier<int[]> rendered) {
        try {
            return Optional.of(rendered.get());
        } catch (ChatTemplateException e) {
            return Optional.empty();
        }
    }
}
