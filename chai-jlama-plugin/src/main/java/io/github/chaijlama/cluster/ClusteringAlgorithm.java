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
        if (numberOfClusters < 1 || numberOfClusters > heads) {
            throw new IllegalArgumentException(
                    "clusters must be 1 to " + heads + " (the number of heads), found " + numberOfClusters);
        }
        if (numberOfClusters == heads) {
            return HeadClusters.identity(heads);
        }
        if (!gram.isFinite()) {
            throw new IllegalArgumentException(
                    "attention probabilities are not finite numbers; the model's weights are probably broken");
        }
        int[] members = numberByLowestHead(partition(gram, numberOfClusters), numberOfClusters);
        int[] representatives = new int[numberOfClusters];
        for (int cluster = 0; cluster < numberOfClusters; cluster++) {
            representatives[cluster] = choice.choose(gram, this, members, cluster);
        }
        return HeadClusters.of(members, representatives);
    }

    /** Returns a label for each head, any numbers below the number of heads; as many different ones as clusters. */
    abstract int[] partition(HeadGram gram, int numberOfClusters);

    /** Returns the distance this algorithm works with. */
    abstract double distance(HeadGram gram, int head, int other);

    private static int[] numberByLowestHead(int[] labels, int numberOfClusters) {
        int[] clusterOf = new int[labels.length];
        Arrays.fill(clusterOf, -1);
        int[] members = new int[labels.length];
        int next = 0;
        for (int head = 0; head < labels.length; head++) {
            if (clusterOf[labels[head]] < 0) {
                clusterOf[labels[head]] = next++;
            }
            members[head] = clusterOf[labels[head]];
        }
        if (next != numberOfClusters) {
            throw new IllegalStateException("clustering made " + next + " clusters instead of " + numberOfClusters);
        }
        return members;
    }
}
