// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.schedule;

/**
 * How many steps an answer took.
 *
 * @param steps         steps in which tokens of the answer were chosen; what was calculated again does not count
 * @param guessedTokens tokens that these steps calculated because they might come
 * @param rightGuesses  of these, the ones that came
 */
public record AnswerSteps(int steps, int guessedTokens, int rightGuesses) {

    /** Before the first step. */
    public static final AnswerSteps NONE = new AnswerSteps(0, 0, 0);

    /**
     * Returns the counts with one more step.
     *
     * @param guessed tokens that were guessed in it
     * @param right   of these, the ones that came
     */
    public AnswerSteps plusStep(int guessed, int right) {
        return new AnswerSteps(steps + 1, guessedTokens + guessed, rightGuesses + right);
    }
}
