// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

/**
 * What attention makes of answers of one kind that exact attention gave.
 *
 * @param kind    the kind
 * @param answers number of answers
 * @param changed answers that would be given in other words
 * @param broken  answers that would change at a token of which exact attention is sure
 */
public record AnswerLoss(AnswerKind kind, int answers, int changed, int broken) {

    /** Returns the loss of these answers and others of the same kind. */
    AnswerLoss plus(AnswerLoss others) {
        return new AnswerLoss(kind, answers + others.answers, changed + others.changed, broken + others.broken);
    }
}
