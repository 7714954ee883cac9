// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cluster;

/**
 * Agglomerative clustering with average linkage (UPGMA): every head starts alone, and the two clusters with the
 * smallest mean distance between their members are merged until enough remain.
 */
final class AverageLinkage {
    /** Distances closer than this are equal merges; it only absorbs rounding of the running means. */
    private static final double TIE = 1e-12;

    private AverageLinkage() {}

    static int[] partition(HeadGram gram, int numberOfClusters) {
        int heads = gram.numberOfHeads();
        // Row and column h stand for the cluster whose lowest head is h, as long as label[h] == h.
        double[][] distance = new double[heads][heads];
        int[] label = new int[heads];
        int[] size = new int[heads];
        for (int head = 0; head < heads; head++) {
            label[head] = head;
            size[head] = 1;
            for (int other = 0; other < heads; other++) {
                distance[head][other] = gram.cosineDistance(head, other);
            }
        }
        for (int clusters = heads; clusters > numberOfClusters; clusters--) {
            mergeClosest(distance, label, size);
        }
        return label;
    }

    private static void mergeClosest(double[][] distance, int[] label, int[] size) {
        int heads = label.length;
        double smallest = Double.POSITIVE_INFINITY;
        for (int a = 0; a < heads; a++) {
            for (int b = a + 1; b < heads; b++) {
                if (label[a] == a && label[b] == b) {
                    smallest = Math.min(smallest, distance[a][b]);
                }
            }
        }
        for (int a = 0; a < heads; a++) {
            for (int b = a + 1; b < heads; b++) {
                if (label[a] == a && label[b] == b && distance[a][b] <= smallest + TIE) {
                    merge(a, b, distance, label, size);
                    return;
                }
            }
        }
    }

    private static void merge(int a, int b, double[][] distance, int[] label, int[] size) {
        for (int other = 0; other < label.length; other++) {
            double mean = (size[a] * distance[a][other] + size[b] * distance[b][other]) / (size[a] + size[b]);
            distance[a][other] = mean;
            distance[other][a] = mean;
        }
        size[a] += size[b];
        for (int head = 0; head < label.length; head++) {
            if (label[head] == b) {
                label[head] = a;
            }
        }
    }
}
