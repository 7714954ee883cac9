// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * Where the time of a step goes, milliseconds.
 *
 * @param attention   attention alone, all layers: rotation, storing, scores, softmax, values, finding clusters
 * @param projections its four matrix products, all layers
 * @param feedForward feed-forward networks, all layers
 * @param head        product with the vocabulary
 * @param other       the rest: embedding, norms, residuals, the passage between parts
 */
public record StepParts(double attention, double projections, double feedForward, double head, double other) {

    /** Returns the median of each part over several runs. */
    static StepParts medianOf(List<StepParts> runs) {
        return new StepParts(median(runs, StepParts::attention), median(runs, StepParts::projections),
                median(runs, StepParts::feedForward), median(runs, StepParts::head), median(runs, StepParts::other));
    }

    private static double median(List<StepParts> runs, ToDoubleFunction<StepParts> part) {
        return Spread.of(runs.stream().map(part::applyAsDouble).toList()).median();
    }

    /** Returns the parts' shares of their sum, 0 to 1, by name, in their order here. */
    public Map<String, Double> shares() {
        Map<String, Double> shares = new LinkedHashMap<>();
        shares.put("attention", attention);
        shares.put("projections", projections);
        shares.put("feedForward", feedForward);
        shares.put("head", head);
        shares.put("other", other);
        double sum = attention + projections + feedForward + head + other;
        shares.replaceAll((name, millis) -> millis / sum);
        return shares;
    }
}
