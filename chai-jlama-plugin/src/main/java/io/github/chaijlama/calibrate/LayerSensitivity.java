// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

/**
 * What clustering a single layer costs, all others exact.
 *
 * @param layer    the layer
 * @param clusters its clusters
 * @param loss     what they cost and save
 */
public record LayerSensitivity(int layer, int clusters, QualityLoss loss) {}
