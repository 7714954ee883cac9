// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cluster;

/**
 * By how much the output of a layer's attention changes if a head takes the attention probabilities of another one,
 * {@code (numberOfHeads, numberOfHeads)}: {@code D[h][r] = sum over rows of |W_h (P_h - P_r) V_h|^2}, with the
 * probabilities {@code P} of a query row, the values {@code V_h} of head {@code h}, which it keeps, and the columns
 * {@code W_h} of the output projection that take its output. Similar probabilities are not needed for a small distance:
 * heads may differ on tokens whose values say little. It is not symmetric, because each head has values of its own. Not
 * thread-safe.
 */
public final class OutputDistances {
    private final int numberOfHeads;
    private final double[] sums;

    /** Creates distances over no rows. */
    public OutputDistances(int numberOfHeads) {
        this.numberOfHeads = numberOfHeads;
        this.sums = new double[numberOfHeads * numberOfHeads];
    }

    /** Returns how many heads there are. */
    public int numberOfHeads() {
        return numberOfHeads;
    }

    /**
     * Adds rows.
     *
     * @param distances {@code (head, head whose probabilities it takes)}
     */
    public void add(double[] distances) {
        if (distances.length != sums.length) {
            throw new IllegalArgumentException(
                    distances.length + " distances, expected " + numberOfHeads + " x " + numberOfHeads);
        }
        for (int i = 0; i < sums.length; i++) {
            sums[i] += distances[i];
        }
    }

    /** Returns the distances row by row, {@code (head, head whose probabilities it takes)}, a copy. */
    public double[] sums() {
        return sums.clone();
    }

    /**
     * Returns the squared change of the output if {@code head} takes the probabilities of {@code other}, summed over
     * rows.
     */
    public double distance(int head, int other) {
        return sums[head * numberOfHeads + other];
    }

    /**
     * Returns the other head with the smallest distance for a head, the lowest of equal ones; the head itself if there
     * is no other.
     */
    public int nearest(int head) {
        int nearest = head;
        for (int other = 0; other < numberOfHeads; other++) {
            if (other != head && (nearest == head || distance(head, other) < distance(head, nearest))) {
                nearest = other;
            }
        }
        return nearest;
    }

    /** Whether every distance is a finite number; broken weights make them infinite or NaN. */
    public boolean isFinite() {
        double sum = 0;
        for (double distance : sums) {
            sum += distance;
        }
        return Double.isFinite(sum);
    }
}
