// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cluster;

/**
 * A sum for every two heads of a layer, {@code (numberOfHeads, numberOfHeads)}. Entries may be added to by several
 * threads at the same time if no two add to the same.
 */
final class HeadMatrix {
    private final int numberOfHeads;
    private final double[] sums;

    /** Creates a matrix of zeros. */
    HeadMatrix(int numberOfHeads) {
        this(numberOfHeads, new double[numberOfHeads * numberOfHeads]);
    }

    private HeadMatrix(int numberOfHeads, double[] sums) {
        this.numberOfHeads = numberOfHeads;
        this.sums = sums;
    }

    /**
     * Returns a matrix of values, row by row.
     *
     * @param what the values are, for the message
     * @throws IllegalArgumentException if they are not {@code numberOfHeads} squared
     */
    static HeadMatrix of(int numberOfHeads, double[] values, String what) {
        requireSquare(numberOfHeads, values, what);
        return new HeadMatrix(numberOfHeads, values.clone());
    }

    private static void requireSquare(int numberOfHeads, double[] values, String what) {
        if (values.length != numberOfHeads * numberOfHeads) {
            throw new IllegalArgumentException(
                    values.length + " " + what + ", expected " + numberOfHeads + " x " + numberOfHeads);
        }
    }

    int numberOfHeads() {
        return numberOfHeads;
    }

    double get(int head, int other) {
        return sums[head * numberOfHeads + other];
    }

    void add(int head, int other, double value) {
        sums[head * numberOfHeads + other] += value;
    }

    /** Adds a matrix of as many heads. */
    void add(HeadMatrix matrix) {
        add(matrix.sums);
    }

    /** Adds values, checked as those of {@link #of}. */
    void add(double[] values, String what) {
        requireSquare(numberOfHeads, values, what);
        add(values);
    }

    private void add(double[] values) {
        for (int i = 0; i < sums.length; i++) {
            sums[i] += values[i];
        }
    }

    /** Whether every entry is a finite number. */
    boolean isFinite() {
        double sum = 0;
        for (double value : sums) {
            sum += value;
        }
        return Double.isFinite(sum);
    }

    /** Returns the entries row by row, a copy. */
    double[] toArray() {
        return sums.clone();
    }
}
