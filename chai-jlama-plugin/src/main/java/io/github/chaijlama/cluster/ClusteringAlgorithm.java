// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cluster;

import java.util.Arrays;

/** How heads are put into clusters. */
public enum ClusteringAlgorithm {
    /** Average linkage on cosine distance, deterministic; of equal merges the pair with the lowest heads goes first. */
    AGGLOMERATIVE {
        @Override
        int[] partition(HeadGram gram, int numberOfClusters) {
            return AverageLinkage.partition(gram, numberOfClusters);
        }

        @Override
        double distance(HeadGram gram, int head, int other) {
            return gram.cosineDistance(head, other);
        }
    },
    /** k-means with a k-means++ start from a fixed seed, on Euclidean distance. */
    KMEANS {
        @Override
        int[] partition(HeadGram gram, int numberOfClusters) {
            return KMeans.partition(gram, numberOfClusters);
        }

        @Override
        double distance(HeadGram gram, int head, int other) {
            return gram.euclideanDistance(head, other);
        }
    };

    /**
     * Puts heads into exactly {@code numberOfClusters} clusters, none of them empty, numbered by their lowest head.
     *
     * @param gram             features of the heads, as inner products
     * @param numberOfClusters 1 to the number of heads
     * @param choice           which member represents its cluster
     * @throws IllegalArgumentException if the number of clusters is out of range or the features are not finite
     */
    public HeadClusters cluster(HeadGram gram, int numberOfClusters, RepresentativeChoice choice) {
        int heads = gram.numberOfHeads();
        HeadClusters.requirePossible(numberOfClusters, heads);
        if (numberOfClusters == heads) {
            return HeadClusters.identity(heads);
        }
        if (!gram.isFinite()) {
            throw new IllegalArgumentException(
                    "attention probabilities are not finite numbers; the model's weights are probably broken");
        }
        int[] labels = partition(gram, numberOfClusters);
        int[] representatives = new int[heads];
        Arrays.stream(labels).distinct()
                .forEach(label -> representatives[label] = choice.choose(gram, this, labels, label));
        HeadClusters clusters = HeadClusters
                .ofRepresentatives(Arrays.stream(labels).map(label -> representatives[label]).toArray());
        if (clusters.numberOfClusters() != numberOfClusters) {
            throw new IllegalStateException("clustering made " + clusters.numberOfClusters() + " clusters instead of "
                    + numberOfClusters);
        }
        return clusters;
    }

    /** Returns a label for each head, any numbers below the number of heads; as many different ones as clusters. */
    abstract int[] partition(HeadGram gram, int numberOfClusters);

    /** Returns the distance this algorithm works with. */
    abstract double distance(HeadGram gram, int head, int other);
}
