// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import io.github.chaijlama.evaluate.Estimate;

/**
 * What one way to find clusters makes of the second halves of texts, at the same numbers of clusters as the others.
 *
 * @param name              the choice, in words
 * @param divergence        mean KL(exact || clustered), nats per token
 * @param logLossDifference mean negative log-likelihood minus that of exact attention, nats per token
 * @param memberships       different memberships over the texts
 * @param texts             texts
 */
public record ComparedChoice(String name, Estimate divergence, Estimate logLossDifference, int memberships,
        int texts) {}
