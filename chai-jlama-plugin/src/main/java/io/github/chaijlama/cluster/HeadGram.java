// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cluster;

/**
 * The inner products of the heads' features, {@code (numberOfHeads, numberOfHeads)}: all that clustering needs to know
 * of them. A head's feature is the list of its attention probabilities over some text; the products are added up one
 * query row at a time, so memory does not grow with the text. Not thread-safe.
 */
public final class HeadGram {
    private final HeadMatrix products;

    /** Creates the products of empty features. */
    public HeadGram(int numberOfHeads) {
        this(new HeadMatrix(numberOfHeads));
    }

    private HeadGram(HeadMatrix products) {
        this.products = products;
    }

    /** Returns how many heads there are. */
    public int numberOfHeads() {
        return products.numberOfHeads();
    }

    /**
     * Appends the same stretch of values to the feature of every head.
     *
     * @param values {@code (numberOfHeads, length)}
     */
    public void append(double[][] values) {
        if (values.length != numberOfHeads()) {
            throw new IllegalArgumentException("values of " + values.length + " heads, expected " + numberOfHeads());
        }
        for (int head = 0; head < values.length; head++) {
            append(head, values, values[head].length);
        }
    }

    /**
     * Appends a stretch of values to the products of one head with itself and the heads above it. Called for every head
     * with the same values it does what {@link #append(double[][])} does; heads may be given in any order and by
     * several threads at the same time, which changes no sum.
     *
     * @param values {@code (numberOfHeads, at least length)}
     */
    public void append(int head, double[][] values, int length) {
        for (int other = head; other < numberOfHeads(); other++) {
            double product = dot(values[head], values[other], length);
            products.add(head, other, product);
            if (other != head) {
                products.add(other, head, product);
            }
        }
    }

    /** Four sums, because each addition would wait for the one before it. */
    private static double dot(double[] x, double[] y, int length) {
        double sum0 = 0;
        double sum1 = 0;
        double sum2 = 0;
        double sum3 = 0;
        int i = 0;
        for (; i + 3 < length; i += 4) {
            sum0 += x[i] * y[i];
            sum1 += x[i + 1] * y[i + 1];
            sum2 += x[i + 2] * y[i + 2];
            sum3 += x[i + 3] * y[i + 3];
        }
        for (; i < length; i++) {
            sum0 += x[i] * y[i];
        }
        return sum0 + sum1 + (sum2 + sum3);
    }

    /**
     * Adds another text's products: the squared distances of the sum are the sums of the squared distances.
     *
     * @throws IllegalArgumentException if it has another number of heads
     */
    public void add(HeadGram other) {
        if (other.numberOfHeads() != numberOfHeads()) {
            throw new IllegalArgumentException(
                    "products of " + other.numberOfHeads() + " heads, expected " + numberOfHeads());
        }
        products.add(other.products);
    }

    /**
     * Returns the products of the features scaled to length 1, the cosine similarities. Summed over texts and scaled
     * again they have the mean of the texts' cosine distances as their own.
     */
    public HeadGram normalized() {
        HeadGram normalized = new HeadGram(numberOfHeads());
        for (int head = 0; head < numberOfHeads(); head++) {
            for (int other = 0; other < numberOfHeads(); other++) {
                normalized.products.add(head, other, cosineSimilarity(head, other));
            }
        }
        return normalized;
    }

    /** Returns the sum of the squared lengths of all features. */
    public double energy() {
        double sum = 0;
        for (int head = 0; head < numberOfHeads(); head++) {
            sum += product(head, head);
        }
        return sum;
    }

    /** Returns the mean cosine similarity of two different heads, 1 if there is only one head. */
    public double meanSimilarity() {
        int heads = numberOfHeads();
        if (heads == 1) {
            return 1;
        }
        double sum = 0;
        for (int head = 0; head < heads; head++) {
            for (int other = head + 1; other < heads; other++) {
                sum += cosineSimilarity(head, other);
            }
        }
        return 2 * sum / (heads * (heads - 1.0));
    }

    /** Returns the products row by row, {@code (numberOfHeads, numberOfHeads)}, a copy. */
    public double[] products() {
        return products.toArray();
    }

    /**
     * Returns products that were read back.
     *
     * @param products as {@link #products()} returned them
     * @throws IllegalArgumentException if they are not {@code numberOfHeads} squared
     */
    public static HeadGram of(int numberOfHeads, double[] products) {
        return new HeadGram(HeadMatrix.of(numberOfHeads, products, "products"));
    }

    /** Returns the inner product of two heads' features. */
    public double product(int head, int other) {
        return products.get(head, other);
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

    /** Returns 1 minus {@link #cosineDistance}, exactly 1 for a head and itself. */
    public double cosineSimilarity(int head, int other) {
        return 1 - cosineDistance(head, other);
    }

    /** Returns {@code |f - g|}. */
    public double euclideanDistance(int head, int other) {
        return Math.sqrt(Math.max(0, product(head, head) + product(other, other) - 2 * product(head, other)));
    }

    /** Whether every product is a finite number; broken weights make them infinite or NaN. */
    public boolean isFinite() {
        return products.isFinite();
    }
}
