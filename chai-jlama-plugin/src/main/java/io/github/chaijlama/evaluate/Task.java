// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.List;
import java.util.Optional;

/**
 * A task as tokens.
 *
 * @param kind    what results are grouped by
 * @param prompt  what comes before the answer
 * @param choices possible answers, at least 2
 * @param answer  index of the right choice
 * @param target  the full right answer after which the model should stop, empty if the right choice is all there is
 */
public record Task(String kind, int[] prompt, List<Choice> choices, int answer, Optional<Choice> target) {

    /**
     * A continuation of the prompt.
     *
     * @param tokens     its tokens, at least 1
     * @param characters length of its text in Unicode characters, without the space before it
     */
    public record Choice(int[] tokens, int characters) {}

    public Task {
        choices = List.copyOf(choices);
    }

    /** Returns the tokens of the prompt with the longest continuation. */
    int longest() {
        int longest = target.map(answer -> answer.tokens().length).orElse(0);
        for (Choice choice : choices) {
            longest = Math.max(longest, choice.tokens().length);
        }
        return prompt.length + longest;
    }
}
