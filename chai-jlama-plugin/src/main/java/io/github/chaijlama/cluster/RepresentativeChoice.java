// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cluster;

/** Which head of a cluster lends the others its attention probabilities. */
public enum RepresentativeChoice {
    /** The lowest head. */
    FIRST {
        @Override
        int choose(HeadGram gram, ClusteringAlgorithm algorithm, int[] members, int cluster) {
            int head = 0;
            while (members[head] != cluster) {
                head++;
            }
            return head;
        }
    },
    /**
     * The head with the smallest summed distance to the members of its cluster, in the distance of the clustering; sums
     * within {@value #TIE} are a tie, which the lowest head wins.
     */
    MEDOID {
        @Override
        int choose(HeadGram gram, ClusteringAlgorithm algorithm, int[] members, int cluster) {
            double smallest = Double.POSITIVE_INFINITY;
            for (int head = 0; head < members.length; head++) {
                if (members[head] == cluster) {
                    smallest = Math.min(smallest, summedDistance(gram, algorithm, members, head));
                }
            }
            int head = 0;
            while (members[head] != cluster
                    || summedDistance(gram, algorithm, members, head) > smallest + TIE) {
                head++;
            }
            return head;
        }
    };

    private static final double TIE = 1e-9;

    /**
     * Returns the representative of a cluster.
     *
     * @param members label of each head's cluster, {@code (numberOfHeads)}
     * @param cluster one of them
     */
    abstract int choose(HeadGram gram, ClusteringAlgorithm algorithm, int[] members, int cluster);

    private static double summedDistance(HeadGram gram, ClusteringAlgorithm algorithm, int[] members, int head) {
        double sum = 0;
        for (int other = 0; other < members.length; other++) {
            if (members[other] == members[head]) {
                sum += algorithm.distance(gram, head, other);
            }
        }
        return sum;
    }
}
