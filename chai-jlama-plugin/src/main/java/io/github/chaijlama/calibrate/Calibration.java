// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.List;
import java.util.Optional;

import io.github.chaijlama.profile.ClusterProfile;

/**
 * The result of a calibration.
 *
 * @param profile         the profile
 * @param options         settings
 * @param samples         texts whose attention was looked at
 * @param tokens          their tokens
 * @param heldOut         texts that {@code loss} was measured on
 * @param layers          how redundant each layer is
 * @param exactPerplexity perplexity of exact attention on the held-out texts
 * @param loss            what the profile costs and saves on the held-out texts
 * @param search          how the counts were found, empty if they are the elbows
 */
public record Calibration(ClusterProfile profile, CalibrationOptions options, int samples, long tokens, int heldOut,
        List<LayerRedundancy> layers, double exactPerplexity, QualityLoss loss, Optional<SearchResult> search) {

    public Calibration {
        layers = List.copyOf(layers);
    }
}
