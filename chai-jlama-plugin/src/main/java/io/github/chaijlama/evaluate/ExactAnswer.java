// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

/**
 * What exact attention answers to a prompt, the likeliest token each time.
 *
 * @param kind   why it is looked at
 * @param prompt tokens up to where the answer begins
 * @param tokens tokens of the answer, with its end unless it is cut
 * @param sure   of which of them exact attention is sure: {@link #SURE} or more of the probability is theirs, or the
 *               answer ends there, for what runs on is another answer
 */
public record ExactAnswer(AnswerKind kind, int[] prompt, int[] tokens, boolean[] sure) {
    /** What is less likely than this could as well have been another token: sampling would have taken one. */
    static final double SURE = 0.9;

    public ExactAnswer {
        if (tokens.length == 0 || tokens.length != sure.length || prompt.length == 0) {
            throw new IllegalArgumentException("an answer of " + tokens.length + " tokens to " + prompt.length
                    + " with " + sure.length + " marks, expected at least 1 token, and as many marks");
        }
    }
}
