// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

/**
 * What an arm makes of a task.
 *
 * @param right           whether the choice with the highest log-likelihood is the right one
 * @param rightNormalized whether it is with log-likelihoods per character
 * @param exactMatch      whether the most likely tokens are the right answer
 * @param answerLoss      negative log-likelihood of the right answer, nats
 */
record TaskScore(boolean right, boolean rightNormalized, boolean exactMatch, double answerLoss) {}
