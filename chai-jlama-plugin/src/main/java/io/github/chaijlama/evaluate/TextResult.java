// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

/**
 * What an arm makes of texts. Means are per predicted token: of a text of {@code n} tokens all but the first are
 * predicted. Standard errors take the texts as independent samples, not their tokens.
 *
 * @param arm                  the arm
 * @param logLoss              mean negative log-likelihood, nats per token
 * @param perplexity           {@code exp(logLoss)}
 * @param logLossDifference    paired difference of the log loss, arm minus exact, nats per token
 * @param perplexityIncrease   {@code exp(logLossDifference) - 1}: 0.01 is a perplexity one percent above exact
 * @param divergence           mean KL(exact || arm), nats per token
 * @param agreement            share of the tokens where both expect the same token most
 * @param kvCacheBytes         bytes of keys and values, sum over the texts at their ends
 * @param kvCacheRelative      those bytes in relation to exact attention's
 * @param textsWithoutClusters texts too short for the arm's clusters to be decided: it is exact there
 */
public record TextResult(Arm arm, Estimate logLoss, Estimate perplexity, Estimate logLossDifference,
        Estimate perplexityIncrease, Estimate divergence, Estimate agreement, long kvCacheBytes, double kvCacheRelative,
        int textsWithoutClusters) {}
