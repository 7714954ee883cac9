// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * How many times as fast as stock Jlama an arm is, by medians, at one context length. Stock is the faster of its arms,
 * for each phase by itself.
 *
 * @param arm     the arm, none of stock's
 * @param context tokens of the prompt
 * @param prefill time to the first token
 * @param decode  time of one more token
 */
public record StockComparison(BenchArm arm, int context, Ratio prefill, Ratio decode) {

    /**
     * A ratio of times.
     *
     * @param stock  the faster arm of stock's
     * @param faster its time in times of the arm's: above 1 where the arm is faster
     */
    public record Ratio(BenchArm stock, double faster) {}

    /** Returns the comparisons that measurements allow: none without an arm of stock's. */
    public static List<StockComparison> of(List<Measurement> measurements) {
        return measurements.stream().filter(one -> !one.arm().kind().isStock())
                .flatMap(one -> compare(one, measurements).stream()).toList();
    }

    private static Optional<StockComparison> compare(Measurement arm, List<Measurement> measurements) {
        return ratio(arm, measurements, Measurement::prefillMillis)
                .flatMap(prefill -> ratio(arm, measurements, Measurement::decodeMillis)
                        .map(decode -> new StockComparison(arm.arm(), arm.context(), prefill, decode)));
    }

    private static Optional<Ratio> ratio(Measurement arm, List<Measurement> measurements,
            Function<Measurement, Spread> millis) {
        return measurements.stream().filter(one -> one.arm().kind().isStock() && one.context() == arm.context())
                .min(Comparator.comparingDouble(one -> millis.apply(one).median()))
                .map(stock -> new Ratio(stock.arm(), millis.apply(stock).median() / millis.apply(arm).median()));
    }
}
