// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cluster;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

import org.hipparchus.clustering.CentroidCluster;
import org.hipparchus.clustering.Clusterable;
import org.hipparchus.clustering.KMeansPlusPlusClusterer;
import org.hipparchus.clustering.distance.EuclideanDistance;
import org.hipparchus.linear.EigenDecompositionSymmetric;
import org.hipparchus.linear.MatrixUtils;
import org.hipparchus.linear.RealMatrix;
import org.hipparchus.random.RandomGenerator;
import org.hipparchus.random.Well19937c;

/**
 * k-means on the heads' features by Hipparchus, with the two things it leaves open: an embedding, because features are
 * known by their inner products only, and clusters that are never empty, whatever the heads have in common.
 */
final class KMeans {
    private static final int MAX_ITERATIONS = 100;
    private static final long SEED = 42;

    private KMeans() {}

    /** A head as a point; the points have the same distances as the features. */
    private record Head(int number, double[] point) implements Clusterable {
        @Override
        public double[] getPoint() {
            return point;
        }

        double distance(double[] other) {
            return new EuclideanDistance().compute(point, other);
        }
    }

    static int[] partition(HeadGram gram, int numberOfClusters) {
        List<List<Head>> clusters = new ArrayList<>();
        for (CentroidCluster<Head> cluster : clusterer(numberOfClusters, new Well19937c(SEED))
                .cluster(embed(gram))) {
            if (!cluster.getPoints().isEmpty()) {
                clusters.add(new ArrayList<>(cluster.getPoints()));
            }
        }
        // Equal heads can leave fewer clusters than asked for; the worst represented heads then stand alone.
        while (clusters.size() < numberOfClusters) {
            clusters.add(List.of(takeFarthest(clusters)));
        }
        int[] labels = new int[gram.numberOfHeads()];
        for (int cluster = 0; cluster < clusters.size(); cluster++) {
            for (Head head : clusters.get(cluster)) {
                labels[head.number()] = cluster;
            }
        }
        return labels;
    }

    /**
     * Returns the smallest sum of squared distances to the centroids found for each number of clusters, entry
     * {@code k - 1} for {@code k} clusters. One more cluster never makes it larger: the best partition so far could be
     * split.
     *
     * @param starts k-means++ starts per number of clusters
     * @param seed   of the starts
     */
    static double[] errors(HeadGram gram, int starts, long seed) {
        List<Head> heads = embed(gram);
        Well19937c random = new Well19937c(seed);
        double[] errors = new double[heads.size()];
        errors[0] = error(heads);
        for (int k = 2; k < heads.size(); k++) {
            errors[k - 1] = errors[k - 2];
            KMeansPlusPlusClusterer<Head> clusterer = clusterer(k, random);
            for (int start = 0; start < starts; start++) {
                double error = clusterer.cluster(heads).stream().mapToDouble(cluster -> error(cluster.getPoints()))
                        .sum();
                errors[k - 1] = Math.min(errors[k - 1], error);
            }
        }
        if (heads.size() > 1) {
            errors[heads.size() - 1] = 0;
        }
        return errors;
    }

    private static double error(List<Head> cluster) {
        if (cluster.isEmpty()) {
            return 0;
        }
        double[] centroid = centroid(cluster);
        double sum = 0;
        for (Head head : cluster) {
            double distance = head.distance(centroid);
            sum += distance * distance;
        }
        return sum;
    }

    private static KMeansPlusPlusClusterer<Head> clusterer(int numberOfClusters, RandomGenerator random) {
        return new KMeansPlusPlusClusterer<>(numberOfClusters, MAX_ITERATIONS, new EuclideanDistance(), random,
                KMeansPlusPlusClusterer.EmptyClusterStrategy.FARTHEST_POINT);
    }

    /** Returns points with the features' inner products: the rows of V sqrt(D), where G = V D V^T. */
    private static List<Head> embed(HeadGram gram) {
        int heads = gram.numberOfHeads();
        RealMatrix products = MatrixUtils.createRealMatrix(heads, heads);
        for (int head = 0; head < heads; head++) {
            for (int other = 0; other < heads; other++) {
                products.setEntry(head, other, gram.product(head, other));
            }
        }
        EigenDecompositionSymmetric eigen = new EigenDecompositionSymmetric(products);
        List<Head> embedded = new ArrayList<>();
        for (int head = 0; head < heads; head++) {
            double[] point = new double[heads];
            for (int i = 0; i < heads; i++) {
                point[i] = eigen.getV().getEntry(head, i) * Math.sqrt(Math.max(0, eigen.getEigenvalue(i)));
            }
            embedded.add(new Head(head, point));
        }
        return embedded;
    }

    /**
     * Removes and returns the head farthest from its centroid, the highest of equals, from a cluster of at least two.
     */
    private static Head takeFarthest(List<List<Head>> clusters) {
        Outlier farthest = clusters.stream().filter(cluster -> cluster.size() > 1).flatMap(cluster -> {
            double[] centroid = centroid(cluster);
            return cluster.stream().map(head -> new Outlier(cluster, head, head.distance(centroid)));
        }).max(Comparator.comparingDouble(Outlier::distance).thenComparingInt(outlier -> outlier.head().number()))
                .orElseThrow();
        farthest.cluster().remove(farthest.head());
        return farthest.head();
    }

    /** A head and how far it is from the centroid of its cluster. */
    private record Outlier(List<Head> cluster, Head head, double distance) {}

    private static double[] centroid(List<Head> cluster) {
        double[] centroid = new double[cluster.getFirst().point().length];
        for (Head head : cluster) {
            for (int i = 0; i < centroid.length; i++) {
                centroid[i] += head.point()[i] / cluster.size();
            }
        }
        return centroid;
    }
}
