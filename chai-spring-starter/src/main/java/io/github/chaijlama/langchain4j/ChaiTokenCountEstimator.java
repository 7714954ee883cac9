// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.ArrayList;
import java.util.List;

import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.model.TokenCountEstimator;

import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.template.ChatTemplateException;

/**
 * Counts tokens with the model's own tokenizer and chat template, for chat memories that are limited in tokens. Counts
 * of messages are what they add to a prompt where the template accepts them in this order, and otherwise those of the
 * text alone. Thread-safe.
 */
public final class ChaiTokenCountEstimator implements TokenCountEstimator, AutoCloseable {
    private final EngineHold hold;

    /** Creates an estimator for the model of an engine. */
    public ChaiTokenCountEstimator(ChaiEngine engine) {
        this.hold = EngineHold.shared(engine);
    }

    @Override
    public int estimateTokenCountInText(String text) {
        return model().tokenizer().encode(text).length;
    }

    @Override
    public int estimateTokenCountInMessage(ChatMessage message) {
        return estimateTokenCountInMessages(List.of(message));
    }

    @Override
    public int estimateTokenCountInMessages(Iterable<ChatMessage> messages) {
        List<ChatMessage> list = new ArrayList<>();
        messages.forEach(list::add);
        List<io.github.chaijlama.generate.ChatMessage> mapped = MessageMapper.messages(list, false);
        try {
            return mapped.isEmpty() ? 0 : model().countTokens(mapped);
        } catch (ChatTemplateException _) {
            return mapped.stream().mapToInt(message -> estimateTokenCountInText(message.content())).sum();
        }
    }

    private TextModel model() {
        return hold.engine().textModel();
    }

    /** Refuses to count from now on; the engine stays open. */
    @Override
    public void close() {
        hold.close();
    }
}
