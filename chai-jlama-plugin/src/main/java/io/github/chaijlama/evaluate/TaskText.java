// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.List;
import java.util.Optional;

import io.github.chaijlama.generate.ChatMessage;

/**
 * A task in words.
 *
 * @param kind    what results are grouped by
 * @param context what the answer comes after
 * @param choices at least 2
 * @param answer  index of the right choice
 * @param target  the full right answer, empty if the right choice is all there is
 */
record TaskText(String kind, Context context, List<String> choices, int answer, Optional<String> target) {

    /** What an answer comes after. */
    sealed interface Context {}

    /** A conversation whose next message is asked for. */
    record Conversation(List<ChatMessage> messages) implements Context {}

    /** A text that is to be continued. */
    record Beginning(String text) implements Context {}

    static TaskText completion(String kind, String beginning, List<String> choices, int answer)
            throws BadLineException {
        return checked(new TaskText(kind, new Beginning(beginning), choices, answer, Optional.empty()));
    }

    static TaskText chat(String kind, List<ChatMessage> messages, List<String> choices, int answer,
            Optional<String> target) throws BadLineException {
        return checked(new TaskText(kind, new Conversation(messages), choices, answer, target));
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
