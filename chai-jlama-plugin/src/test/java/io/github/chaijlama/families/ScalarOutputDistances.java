// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.families;

import io.github.chaijlama.cluster.HeadClusters;

/** What one head's probabilities in place of another's change: the attention run once for each pair. */
public final class ScalarOutputDistances {

    private ScalarOutputDistances() {}

    /**
     * Returns for every layer how much the output of attention changes if one head takes the probabilities of another,
     * as the squared length of the change of the hidden state, summed over positions:
     * {@code (layer, head * heads + other)}.
     */
    public static double[][] of(ScalarTransformer model, int[] tokens) {
        int heads = model.heads();
        double[][] distances = new double[model.layers()][heads * heads];
        double[][] x = model.embed(tokens);
        for (int layer = 0; layer < model.layers(); layer++) {
            double[][] exact = model.attentionOutput(layer, x, null);
            for (int head = 0; head < heads; head++) {
                for (int other = 0; other < heads; other++) {
                    if (other != head) {
                        distances[layer][head * heads + other] = squaredDistance(exact,
                                model.attentionOutput(layer, x, replacement(heads, head, other)));
                    }
                }
            }
            model.runLayer(layer, x, null);
        }
        return distances;
    }

    private static double squaredDistance(double[][] a, double[][] b) {
        double sum = 0;
        for (int t = 0; t < a.length; t++) {
            for (int i = 0; i < a[t].length; i++) {
                sum += (a[t][i] - b[t][i]) * (a[t][i] - b[t][i]);
            }
        }
        return sum;
    }

    /** One head in the cluster of another, which represents it; all others alone. */
    private static HeadClusters replacement(int heads, int head, int other) {
        int[] representatives = new int[heads - 1];
        int[] members = new int[heads];
        int next = 0;
        for (int each = 0; each < heads; each++) {
            if (each != head) {
                representatives[next] = each;
                members[each] = next++;
            }
        }
        members[head] = members[other];
        return HeadClusters.of(members, representatives);
    }
}
