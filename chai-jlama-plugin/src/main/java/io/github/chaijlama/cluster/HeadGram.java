// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cluster;

/**
 * The inner products of the heads' features, {@code (numberOfHeads, numberOfHeads)}: all that clustering needs to know of
 * them. A head's feature is the list of its attention probabilities over some text; the products are added up one query
 * row at a time, so memory does not grow with the text. Not thread-safe.
 */
public final class HeadGram {
    private final int numberOfHeads;
    private final double[] products;

    /** Creates the products of empty features. */
    public HeadGram(int numberOfHeads) {
        this.numberOfHeads = numberOfHeads;
        this.products = new double[numberOfHeads * numberOfHeads];
    }

    /** Returns how many heads there are. */
    public int numberOfHeads() {
        return numberOfHeads;
    }

    /**
     * Appends the same stretch of values to the feature of every head.
     *
     * @param values {@code (numberOfHeads, length)}
     */
    public void append(double[][] values) {
        if (values.length != numberOfHeads) {
            throw new IllegalArgumentException("values of " + values.length + " heads, expected " + numberOfHeads);
        }
        for (int head = 0; head < numberOfHeads; head++) {
            for (int other = head; other < numberOfHeads; other++) {
                double sum = 0;
                for (int i = 0; i < values[head].length; i++) {
                    sum += values[head][i] * values[other][i];
                }
                products[head * numberOfHeads + other] += sum;
                if (other != head) {
                    products[other * numberOfHeads + head] += sum;
                }
            }
        }
    }

    /** Returns the inner product of two heads' features. */
    public double product(int head, int other) {
        return products[head * numberOfHeads + other];
    }

    /**
     * Returns {@code 1 - f.g / (|f| |g|)}, exactly 0 for a head and itself. Written with one square root, so that heads
     * with equal features are at distance 0 as well and rounding breaks no tie between them.
     */
    public double cosineDistance(int head, int other) {
        if (head == other) {
            return 0;
        }
        double norms = Math.sqrt(product(head, head) * product(other, other));
        return Math.max(0, 1 - product(head, other) / norms);
    }

    /** Returns {@code |f - g|}. */
    public double euclideanDistance(int head, int other) {
        return Math.sqrt(Math.max(0, product(head, head) + product(other, other) - 2 * product(head, other)));
    }

    /** Whether every product is a finite number; broken weights make them infinite or NaN. */
    public boolean isFinite() {
        double sum = 0;
        for (double product : products) {
            sum += product;
        }
        return Double.isFinite(sum);
    }
}
