// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.List;

/**
 * Numbers of clusters and what they cost.
 *
 * @param clusters clusters of each layer
 * @param loss     what they cost and save
 */
public record QualityPoint(List<Integer> clusters, QualityLoss loss) {

    public QualityPoint {
        clusters = List.copyOf(clusters);
    }

    /** Returns the share of the bytes of keys and values that is saved. */
    public double saving() {
        return loss.kvSaving();
    }
}
