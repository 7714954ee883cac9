// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cluster;

import java.util.List;

/**
 * What putting the heads of a layer into {@code k} clusters leaves unexplained, for every {@code k}: the offline phase
 * of CHAI (arXiv:2403.08058, section 3.2). Immutable.
 *
 * @param errors sums of squared distances of the features to the centroids of their clusters, entry {@code k - 1} for
 *               {@code k} clusters; never rising, 0 at the end
 * @param energy sum of the squared lengths of all features, what no cluster at all would leave
 */
public record ErrorCurve(List<Double> errors, double energy) {

    public ErrorCurve {
        errors = List.copyOf(errors);
    }

    /**
     * Measures the curve of one text by k-means.
     *
     * @param starts k-means++ starts per number of clusters, of which the best counts
     * @param seed   of the starts
     * @return errors, entry {@code k - 1} for {@code k} clusters
     */
    public static double[] measure(HeadGram gram, int starts, long seed) {
        return KMeans.errors(gram, starts, seed);
    }

    /** Returns what {@code clusters} clusters leave unexplained, as a share of the energy. */
    public double residual(int clusters) {
        return energy > 0 ? errors.get(clusters - 1) / energy : 0;
    }

    /**
     * Returns the elbow, by Kneedle (Satopaa, Albrecht, Irwin, Raghavan: Finding a "Kneedle" in a Haystack, ICDCS
     * workshops 2011) for a falling convex curve: numbers of clusters and errors are scaled to 0..1, and the elbow is
     * where the curve lies farthest below the straight line between its ends. Of equal distances the fewest clusters
     * win; a curve that nowhere lies below the line has no elbow, and every head keeps its own cluster.
     */
    public int elbow() {
        int heads = errors.size();
        double range = errors.getFirst() - errors.getLast();
        int elbow = heads;
        double farthest = MIN_DEPTH;
        for (int k = 1; k <= heads && range > 0; k++) {
            double x = (k - 1.0) / (heads - 1);
            double y = (errors.get(k - 1) - errors.getLast()) / range;
            if (1 - x - y > farthest) {
                farthest = 1 - x - y;
                elbow = k;
            }
        }
        return range > 0 ? elbow : 1;
    }

    /** Below this depth a curve is straight but for rounding. */
    private static final double MIN_DEPTH = 1e-9;

    /**
     * Returns how many clusters the layer gets: those of the elbow if they explain the heads well enough, else one for
     * every head. An elbow exists in nearly every curve, also where no two heads are alike.
     *
     * @param maxResidual the largest {@link #residual(int)} at the elbow of a layer that counts as redundant
     */
    public int clusters(double maxResidual) {
        int elbow = elbow();
        return residual(elbow) <= maxResidual ? elbow : errors.size();
    }
}
