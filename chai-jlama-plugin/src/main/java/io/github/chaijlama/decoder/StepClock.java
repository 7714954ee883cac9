// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.util.Arrays;

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
     * @param paused      time inside the steps that measuring itself took; not part of any other figure
     */
    public record Reading(long[] blocks, long[] attention, long projections, long feedForward, long head,
            long paused) {}

    /** Returns the times since the last reset. */
    public Reading read() {
        return new Reading(blockNanos.clone(), attentionNanos.clone(), projectionNanos, feedForwardNanos, headNanos,
                pausedNanos);
    }

    /** Sets all times to 0. */
    public void reset() {
        Arrays.fill(blockNanos, 0);
        Arrays.fill(attentionNanos, 0);
        projectionNanos = 0;
        feedForwardNanos = 0;
        headNanos = 0;
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

    /** Adds time that measuring itself took. */
    public void pause(long nanos) {
        pausedNanos += nanos;
    }

    /** Returns the time that measuring itself has taken. */
    public long pausedNanos() {
        return pausedNanos;
    }
}
