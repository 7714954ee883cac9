// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Where the time of a model's steps goes, for measurements; see {@link LoadedModel#observe}. Every figure is wall-clock
 * time on the thread that feeds the model. Not thread-safe: one sequence is fed, and the clock read between its steps.
 *
 * <p><em>Attention alone</em> is what a layer's attention does apart from its four matrix products: rotation, storing
 * keys and values, scores, softmax, sums of values, and what finding the clusters costs. The products of this project's
 * layers are timed as they run. Those of Jlama's attention cannot be seen from outside, so they are run a second time,
 * on the same rows, weights and operators, outside the step's time, and subtracted: after every step of one token, and
 * after the first batch of each size. Where attention is a small part of a layer, the difference is as uncertain as the
 * products' own spread.
 */
public final class StepClock {
    private final long[] blockNanos;
    private final long[] attentionNanos;
    private final Map<Integer, Long> repeatedProducts = new HashMap<>();
    private long projectionNanos;
    private long feedForwardNanos;
    private long headNanos;
    private long pausedNanos;
    private long productNanos;
    private boolean inBlock;

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
     * @param head        product with the vocabulary
     * @param paused      time inside the steps that measuring itself took; not part of any other figure
     */
    public record Reading(long[] blocks, long[] attention, long projections, long feedForward, long head,
            long paused) {}

    /** Returns the times since the last reset. */
    public Reading read() {
        return new Reading(blockNanos.clone(), attentionNanos.clone(), projectionNanos, feedForwardNanos, headNanos,
                pausedNanos);
    }

    /** Sets all times to 0, those of repeated products included. */
    public void reset() {
        Arrays.fill(blockNanos, 0);
        Arrays.fill(attentionNanos, 0);
        repeatedProducts.clear();
        projectionNanos = 0;
        feedForwardNanos = 0;
        headNanos = 0;
        pausedNanos = 0;
        productNanos = 0;
    }

    /** Times a matrix product of this project's; products outside the layers are the head's. */
    void product(long nanos) {
        if (inBlock) {
            productNanos += nanos;
        } else {
            headNanos += nanos;
        }
    }

    long productNanos() {
        return productNanos;
    }

    long pausedNanos() {
        return pausedNanos;
    }

    void beginBlock() {
        inBlock = true;
    }

    void endBlock(int layer, long nanos) {
        inBlock = false;
        blockNanos[layer] += nanos;
    }

    void attention(int layer, long totalNanos, long productsNanos) {
        attentionNanos[layer] += totalNanos - productsNanos;
        projectionNanos += productsNanos;
    }

    void feedForward(long nanos) {
        feedForwardNanos += nanos;
    }

    /** Whether products for that many rows are to be repeated: single rows always, batches once. */
    boolean wantsRepeat(int rows) {
        return rows == 1 || !repeatedProducts.containsKey(rows);
    }

    /** Takes the time of repeated products. */
    void repeated(int rows, long nanos) {
        repeatedProducts.put(rows, nanos);
    }

    /** Returns the last time of repeated products of that many rows. */
    long repeatedNanos(int rows) {
        return repeatedProducts.get(rows);
    }

    void pause(long nanos) {
        pausedNanos += nanos;
    }
}
