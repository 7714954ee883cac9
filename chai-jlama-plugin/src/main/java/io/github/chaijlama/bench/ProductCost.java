// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.util.List;
import java.util.function.ToDoubleFunction;

import io.github.chaijlama.decoder.StepClock.Products;

/**
 * What matrix products cost, those of attention, of the feed-forward networks and with the vocabulary together, by what
 * was multiplied: the rows of weights that the arm needs, and of experts those that were chosen.
 *
 * @param prefillMillis   products of the prompt, milliseconds
 * @param prefillGflops   their rate, two operations for a multiplication and its addition, 1e9 a second
 * @param decodeMillis    products of one more token, milliseconds
 * @param decodeGigabytes rate of reading their weights, 1e9 bytes a second
 * @param decodeBytes     bytes of weights that one more token is multiplied with, in the last run
 */
public record ProductCost(Spread prefillMillis, Spread prefillGflops, Spread decodeMillis, Spread decodeGigabytes,
        double decodeBytes) {

    /**
     * Products of a phase in one run.
     *
     * @param millis time, milliseconds
     * @param flops  operations
     * @param bytes  bytes of weights
     */
    record Run(double millis, double flops, double bytes) {

        /** Returns a step's mean. */
        static Run of(Products products, int steps) {
            return new Run(products.nanos() / 1e6 / steps, 2 * products.multiplyAdds() / steps,
                    products.weightBytes() / steps);
        }
    }

    /** Returns the cost over several runs. */
    static ProductCost of(List<Run> prefills, List<Run> decodes) {
        return new ProductCost(spread(prefills, Run::millis), spread(prefills, run -> run.flops() / run.millis() / 1e6),
                spread(decodes, Run::millis), spread(decodes, run -> run.bytes() / run.millis() / 1e6),
                decodes.getLast().bytes());
    }

    private static Spread spread(List<Run> runs, ToDoubleFunction<Run> value) {
        return Spread.of(runs.stream().map(value::applyAsDouble).toList());
    }
}
