// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.util.Arrays;

import io.github.chaijlama.weight.Weight;

/**
 * Where the time of a model's steps goes, for measurements. Every figure is wall-clock time on the thread that feeds
 * the model. Not thread-safe: one sequence is fed, and the clock read between its steps.
 *
 * <p><em>Attention alone</em> is what a layer's attention does apart from its four matrix products: rotation, storing
 * keys and values, scores, softmax, sums of values, and what finding the clusters costs.
 */
public final class StepClock {
    private final long[] blockNanos;
    private final long[] attentionNanos;
    private long projectionNanos;
    private long feedForwardNanos;
    private long headNanos;
    private long productNanos;
    private double multiplyAdds;
    private double weightBytes;
    private long pausedNanos;
    private int resets;

    /** Creates a clock for a model of that many layers. */
    public StepClock(int layers) {
        this.blockNanos = new long[layers];
        this.attentionNanos = new long[layers];
    }

    /**
     * Times since the last reset, nanoseconds.
     *
     * @param blocks      each layer, everything in it
     * @param attention   each layer's attention alone
     * @param projections the four products of all layers' attention
     * @param feedForward feed-forward networks of all layers
     * @param head        norm and product with the vocabulary
     * @param products    matrix products of all of these
     * @param paused      time inside the steps that measuring itself took; not part of any other figure
     */
    public record Reading(long[] blocks, long[] attention, long projections, long feedForward, long head,
            Products products, long paused) {}

    /**
     * Matrix products, counted as they were asked for: with the rows of weights that were needed, of the experts that
     * were chosen.
     *
     * @param nanos        their time; of Jlama's own layers, whose products cannot be seen, all of projections,
     *                     feed-forward networks, and the product with the vocabulary
     * @param multiplyAdds multiplications, each with its addition
     * @param weightBytes  bytes of weights, once for every product
     */
    public record Products(long nanos, double multiplyAdds, double weightBytes) {}

    /** Returns the times since the last reset. */
    public Reading read() {
        return new Reading(blockNanos.clone(), attentionNanos.clone(), projectionNanos, feedForwardNanos, headNanos,
                new Products(productNanos, multiplyAdds, weightBytes), pausedNanos);
    }

    /** Sets all times to 0. */
    public void reset() {
        Arrays.fill(blockNanos, 0);
        Arrays.fill(attentionNanos, 0);
        projectionNanos = 0;
        feedForwardNanos = 0;
        headNanos = 0;
        productNanos = 0;
        multiplyAdds = 0;
        weightBytes = 0;
        pausedNanos = 0;
        resets++;
    }

    /** Returns how often the clock was reset, for those who measure something once in between. */
    public int resets() {
        return resets;
    }

    /** Adds the time of a layer, everything in it. */
    public void block(int layer, long nanos) {
        blockNanos[layer] += nanos;
    }

    /** Adds the time of a layer's attention alone. */
    public void attention(int layer, long nanos) {
        attentionNanos[layer] += nanos;
    }

    /** Adds the time of products of attention. */
    public void projections(long nanos) {
        projectionNanos += nanos;
    }

    /** Adds the time of a feed-forward network. */
    public void feedForward(long nanos) {
        feedForwardNanos += nanos;
    }

    /** Adds the time of the product with the vocabulary. */
    public void head(long nanos) {
        headNanos += nanos;
    }

    /** Adds the time of matrix products. */
    public void products(long nanos) {
        productNanos += nanos;
    }

    /**
     * Adds the work of a matrix product.
     *
     * @param inputs rows that are multiplied
     * @param weight all of a weight
     * @param rows   how many of its rows
     */
    public void product(int inputs, Weight weight, int rows) {
        multiplyAdds += (double) inputs * rows * weight.columns();
        weightBytes += (double) weight.bytes() / weight.rows() * rows;
    }

    /** Adds time that measuring itself took. */
    public void pause(long nanos) {
        pausedNanos += nanos;
    }

    /** Returns the time that measuring itself has taken. */
    public long pausedNanos() {
        return pausedNanos;
    }
}
