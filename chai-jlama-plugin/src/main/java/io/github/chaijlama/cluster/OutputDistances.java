// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cluster;

import java.util.stream.IntStream;

/**
 * By how much the output of a layer's attention changes if a head takes the attention probabilities of another one,
 * {@code (numberOfHeads, numberOfHeads)}: {@code D[h][r] = sum over rows of |W_h (P_h - P_r) V_h|^2}, with the
 * probabilities {@code P} of a query row, the values {@code V_h} of head {@code h}, which it keeps, and the columns
 * {@code W_h} of the output projection that take its output. Similar probabilities are not needed for a small distance:
 * heads may differ on tokens whose values say little. It is not symmetric, because each head has values of its own. Not
 * thread-safe.
 */
public final class OutputDistances {
    private final HeadMatrix sums;

    /** Creates distances over no rows. */
    public OutputDistances(int numberOfHeads) {
        this(new HeadMatrix(numberOfHeads));
    }

    private OutputDistances(HeadMatrix sums) {
        this.sums = sums;
    }

    /**
     * Returns distances that were read back or measured in another way.
     *
     * @param distances {@code (head, head whose probabilities it takes)}
     * @throws IllegalArgumentException if they are not {@code numberOfHeads} squared
     */
    public static OutputDistances of(int numberOfHeads, double[] distances) {
        return new OutputDistances(HeadMatrix.of(numberOfHeads, distances, "distances"));
    }

    /** Returns how many heads there are. */
    public int numberOfHeads() {
        return sums.numberOfHeads();
    }

    /**
     * Adds rows.
     *
     * @param distances {@code (head, head whose probabilities it takes)}
     * @throws IllegalArgumentException if they are not {@link #numberOfHeads} squared
     */
    public void add(double[] distances) {
        sums.add(distances, "distances");
    }

    /** Returns the distances row by row, {@code (head, head whose probabilities it takes)}, a copy. */
    public double[] sums() {
        return sums.toArray();
    }

    /**
     * Returns the squared change of the output if {@code head} takes the probabilities of {@code other}, summed over
     * rows.
     */
    public double distance(int head, int other) {
        return sums.get(head, other);
    }

    /**
     * Returns the other head with the smallest distance for a head, the lowest of equal ones; the head itself if there
     * is no other.
     */
    public int nearest(int head) {
        int[] others = IntStream.range(0, numberOfHeads()).filter(other -> other != head).toArray();
        return others.length == 0 ? head : nearest(head, others);
    }

    /**
     * Returns the one of some heads with the smallest distance for a head, the first of equal ones.
     *
     * @param candidates at least 1
     */
    int nearest(int head, int[] candidates) {
        int nearest = candidates[0];
        for (int other : candidates) {
            if (distance(head, other) < distance(head, nearest)) {
                nearest = other;
            }
        }
        return nearest;
    }

    /** Whether every distance is a finite number; broken weights make them infinite or NaN. */
    public boolean isFinite() {
        return sums.isFinite();
    }
}
