// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.template.ChatTemplateException;

/**
 * Turns tasks into tokens. A continuation is what is left of the tokens of prompt and continuation together behind as
 * many as the prompt has alone, as in lm-evaluation-harness (lm_eval/api/model.py, {@code _encode_pair}); a text is
 * continued after a space, an answer in a conversation stands right where the template lets it begin.
 */
final class TaskEncoder {
    private final TextModel model;

    TaskEncoder(TextModel model) {
        this.model = model;
    }

    Task encode(TaskText task) throws BadLineException {
        try {
            int[] prompt = switch (task.context()) {
                case TaskText.Conversation conversation -> model.chatPrompt(conversation.messages());
                case TaskText.Beginning beginning ->
                    model.tokenizer().encodeBeginning(beginning.text().stripTrailing());
            };
            if (prompt.length == 0) {
                throw new BadLineException("expected a prompt of at least 1 token, found 0");
            }
            List<Task.Choice> choices = new ArrayList<>();
            for (String choice : task.choices()) {
                choices.add(choice(task.context(), prompt, choice));
            }
            Optional<Task.Choice> target = task.target().isEmpty() ? Optional.empty()
                    : Optional.of(choice(task.context(), prompt, task.target().get()));
            return new Task(task.kind(), prompt, choices, task.answer(), target);
        } catch (ChatTemplateException e) {
            throw new BadLineException(e.getMessage());
        }
    }

    private Task.Choice choice(TaskText.Context context, int[] prompt, String text) throws BadLineException {
        int[] whole = switch (context) {
            case TaskText.Conversation conversation -> model.chatPrompt(conversation.messages(), text);
            case TaskText.Beginning beginning -> model.tokenizer().encodeBeginning(beginning.text() + " " + text);
        };
        if (whole.length <= prompt.length) {
            throw new BadLineException("expected choices of at least 1 token, found none in '" + text + "'");
        }
        return new Task.Choice(Arrays.copyOfRange(whole, prompt.length, whole.length),
                text.codePointCount(0, text.length()));
    }
}
