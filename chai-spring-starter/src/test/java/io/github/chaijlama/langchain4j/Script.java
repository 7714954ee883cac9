// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.listener.ChatModelRequestContext;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;

import io.github.chaijlama.generate.Sampler;
import io.github.chaijlama.generate.SamplingOptions;
import io.github.chaijlama.generate.TextTokenizer;

/**
 * What a model says that knows what LangChain4j's contract tests ask: it chooses the tokens of written answers. All
 * else is real: template, tokenizer, attention, parsing, streaming. Where an answer is held to a schema, a token that
 * may not come is an error. It hears of a request as a listener, just before the answer to it is generated; one request
 * at a time.
 */
final class Script implements ChatModelListener {

    /**
     * What is said to a user.
     *
     * @param asked  part of the last message of the user
     * @param schema part of the schema of the answer's format, empty for any or none
     * @param steps  the answer, and before it answers that call tools
     */
    private record Scene(String asked, String schema, List<String> steps) {}

    private final List<Scene> scenes = new ArrayList<>();
    private volatile TextTokenizer tokenizer;
    private volatile String next;

    Script say(String asked, String... steps) {
        return say(asked, "", List.of(steps));
    }

    Script sayAs(String asked, String schema, String... steps) {
        return say(asked, schema, List.of(steps));
    }

    private Script say(String asked, String schema, List<String> steps) {
        scenes.add(new Scene(asked, schema, steps));
        return this;
    }

    void speak(TextTokenizer newTokenizer) {
        tokenizer = newTokenizer;
    }

    @Override
    public void onRequest(ChatModelRequestContext context) {
        next = answer(context.chatRequest());
    }

    private String answer(ChatRequest request) {
        List<ChatMessage> messages = request.messages();
        int last = messages.size() - 1;
        int steps = 0;
        while (last >= 0 && !(messages.get(last) instanceof UserMessage)) {
            steps += messages.get(last) instanceof AiMessage ? 1 : 0;
            last--;
        }
        ResponseFormat format = request.responseFormat();
        String schema = format == null || format.type() == ResponseFormatType.TEXT ? "" : "JSON " + format.jsonSchema();
        if (last < 0 || !((UserMessage) messages.get(last)).hasSingleText()) {
            return "";
        }
        String asked = ((UserMessage) messages.get(last)).singleText();
        for (Scene scene : scenes) {
            if (asked.contains(scene.asked) && schema.contains(scene.schema) && steps < scene.steps.size()) {
                return scene.steps.get(steps);
            }
        }
        return "The script has no answer to: " + asked;
    }

    /** Returns what chooses the tokens of the next answer. */
    Sampler sampler(SamplingOptions options) {
        return new ScriptedTokens(tokenizer, tokenizer.encode(next), Optional.empty());
    }
}
