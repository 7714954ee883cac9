// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.List;

import io.github.chaijlama.generate.ChatMessage;

/**
 * A task in words.
 *
 * @param kind     what results are grouped by
 * @param messages the conversation to answer, null if {@code context} is to be continued
 * @param context  the text to continue, null if there is a conversation
 * @param choices  at least 2
 * @param answer   index of the right choice
 * @param target   the full right answer, null if the right choice is all there is
 */
record TaskText(String kind, List<ChatMessage> messages, String context, List<String> choices, int answer,
        String target) {

    static TaskText completion(String kind, String context, List<String> choices, int answer) throws BadLineException {
        return checked(new TaskText(kind, null, context, choices, answer, null));
    }

    static TaskText chat(String kind, List<ChatMessage> messages, List<String> choices, int answer, String target)
            throws BadLineException {
        return checked(new TaskText(kind, messages, null, choices, answer, target));
    }

    private static TaskText checked(TaskText task) throws BadLineException {
        if (task.choices.size() < 2) {
            throw new BadLineException("expected at least 2 choices, found " + task.choices.size());
        }
        if (task.answer < 0 || task.answer >= task.choices.size()) {
            throw new BadLineException("expected the right choice to be 0 to " + (task.choices.size() - 1) + ", found "
                    + task.answer);
        }
        for (String choice : task.choices) {
            if (choice.isEmpty()) {
                throw new BadLineException("expected choices with text, found an empty one");
            }
        }
        return task;
    }
}
