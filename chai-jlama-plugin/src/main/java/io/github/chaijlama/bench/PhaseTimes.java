// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.util.Arrays;
import java.util.List;

import io.github.chaijlama.decoder.StepClock;

/**
 * Where the time of a prefill, or of one step of decoding, went in one run. Milliseconds.
 *
 * @param total       from the tokens to the logits
 * @param blocks      each layer, everything in it
 * @param attention   each layer's attention alone, without its matrix products
 * @param projections the four matrix products of every layer's attention
 * @param feedForward every layer's feed-forward network
 * @param head        product with the vocabulary
 * @param products    matrix products of all of these
 */
record PhaseTimes(double total, double[] blocks, double[] attention, double projections, double feedForward,
        double head, ProductCost.Run products) {

    /**
     * Takes the times of a clock.
     *
     * @param nanos from the first token to the last logits, what measuring itself took included
     * @param steps number of steps, 1 for a prefill
     */
    static PhaseTimes of(long nanos, StepClock.Reading reading, int steps) {
        double unit = 1e6 * steps;
        return new PhaseTimes((nanos - reading.paused()) / unit,
                Arrays.stream(reading.blocks()).mapToDouble(value -> value / unit).toArray(),
                Arrays.stream(reading.attention()).mapToDouble(value -> value / unit).toArray(),
                reading.projections() / unit, reading.feedForward() / unit, reading.head() / unit,
                ProductCost.Run.of(reading.products(), steps));
    }

    /** Returns the time by parts, which add up to the total. */
    StepParts parts() {
        double attentionAlone = Arrays.stream(attention).sum();
        return new StepParts(attentionAlone, projections, feedForward, head,
                total - attentionAlone - projections - feedForward - head);
    }

    /** Returns the attention alone of a layer, on the average. */
    double meanAttention() {
        return Arrays.stream(attention).average().orElseThrow();
    }

    /**
     * Returns the time of a model with more layers: what is not in the layers once, and for each of its layers the mean
     * time of the measured ones with as many clusters.
     *
     * @param clusters      clusters of each measured layer
     * @param wholeClusters clusters of each layer of the whole model
     */
    double extrapolate(List<Integer> clusters, List<Integer> wholeClusters) {
        return total - Arrays.stream(blocks).sum() + scale(blocks, clusters, wholeClusters);
    }

    /**
     * Returns the sum over the layers of a whole model of the mean of the measured ones with as many clusters; where
     * there is none, or it is not known how many a layer has, of the mean of all measured ones.
     */
    static double scale(double[] perLayer, List<Integer> clusters, List<Integer> wholeClusters) {
        double mean = Arrays.stream(perLayer).average().orElseThrow();
        double sum = 0;
        for (int count : wholeClusters) {
            double same = 0;
            int layers = 0;
            for (int layer = 0; layer < perLayer.length; layer++) {
                if (clusters.get(layer) == count) {
                    same += perLayer[layer];
                    layers++;
                }
            }
            sum += layers == 0 ? mean : same / layers;
        }
        return sum;
    }
}
