// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

/**
 * Numbers of clusters and what they cost.
 *
 * @param clusters clusters of each layer
 * @param loss     what they cost and save
 */
public record QualityPoint(ClusterCounts clusters, QualityLoss loss) {

    /** Returns the share of the bytes of keys and values that is saved. */
    public double saving() {
        return loss.kvSaving();
    }

    /** Returns the mean divergence, nats per token. */
    double divergence() {
        return loss.divergence().value();
    }
}
