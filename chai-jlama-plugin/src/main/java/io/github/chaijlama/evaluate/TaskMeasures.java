// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

/**
 * What an arm makes of tasks, or by how much it differs from exact attention, task by task.
 *
 * @param accuracy           share of the tasks where the choice with the highest log-likelihood is the right one;
 *                           {@code acc} of lm-evaluation-harness
 * @param normalizedAccuracy the same with log-likelihoods divided by the characters of the choice; its {@code acc_norm}
 * @param exactMatch         share of the tasks that greedy decoding answers with the right answer, token by token, and
 *                           ends there where the task has a full answer
 * @param answerLoss         mean negative log-likelihood of the right answer, nats per answer
 */
public record TaskMeasures(Estimate accuracy, Estimate normalizedAccuracy, Estimate exactMatch, Estimate answerLoss) {}
