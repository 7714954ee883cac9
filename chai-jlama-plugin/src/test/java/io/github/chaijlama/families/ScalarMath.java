// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.families;

/** Functions of rows, as plain loops in double. */
final class ScalarMath {

    private ScalarMath() {}

    static double[] softmax(double[] scores) {
        double max = Double.NEGATIVE_INFINITY;
        for (double score : scores) {
            max = Math.max(max, score);
        }
        double sum = 0;
        double[] result = new double[scores.length];
        for (int i = 0; i < scores.length; i++) {
            result[i] = Math.exp(scores[i] - max);
            sum += result[i];
        }
        for (int i = 0; i < scores.length; i++) {
            result[i] /= sum;
        }
        return result;
    }

    /** Adds: {@code x += factor * y}. */
    static void add(double[] x, double factor, double[] y) {
        for (int i = 0; i < x.length; i++) {
            x[i] += factor * y[i];
        }
    }

    /** Returns the share of each expert: of the most probable ones, in proportion; of the others, 0. */
    static double[] mixture(double[] routerLogits, int count) {
        double[] left = softmax(routerLogits);
        double[] shares = new double[left.length];
        double sum = 0;
        for (int chosen = 0; chosen < count; chosen++) {
            int best = 0;
            for (int e = 1; e < left.length; e++) {
                best = left[e] > left[best] ? e : best;
            }
            shares[best] = left[best];
            sum += left[best];
            left[best] = -1;
        }
        for (int e = 0; e < shares.length; e++) {
            shares[e] /= sum;
        }
        return shares;
    }
}
