// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

/**
 * A layer going to another number of clusters.
 *
 * @param layer    the layer
 * @param clusters its clusters from then on
 */
record LayerMove(int layer, int clusters) {

    /** Returns the counts this move leads to. */
    ClusterCounts from(ClusterCounts counts) {
        return counts.with(layer, clusters);
    }
}
