// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.List;

import io.github.chaijlama.cluster.ErrorCurve;

/**
 * How alike the heads of a layer attend, over the sample texts.
 *
 * @param curve          error of k-means by number of clusters, mean over the texts
 * @param similarity     mean cosine similarity of heads, {@code (head, head)}
 * @param meanSimilarity mean of it over pairs of different heads
 * @param elbow          clusters at the elbow of the curve
 * @param residual       share of the features' energy that those leave unexplained
 * @param clusters       clusters by the rules: those of the elbow, or one per head where the residual is too large
 */
public record LayerRedundancy(ErrorCurve curve, List<List<Double>> similarity, double meanSimilarity, int elbow,
        double residual, int clusters) {

    public LayerRedundancy {
        similarity = similarity.stream().map(List::copyOf).toList();
    }
}
