// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.stream.DoubleStream;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

class MeanSumsTests {

    private static Estimate mean(double... values) {
        MeanSums sums = new MeanSums();
        DoubleStream.of(values).forEach(sums::add);
        return sums.mean();
    }

    @Test
    void theErrorOfAMeanIsThatOfTheSamplesOverTheRootOfTheirNumber() {
        // Squares 4 + 1 + 1 + 4 over 4 - 1, and over 4 samples.
        Estimate mean = mean(1, 2, 4, 5);

        assertThat(mean.value()).isEqualTo(3);
        assertThat(mean.standardError()).isCloseTo(Math.sqrt(10.0 / 3 / 4), within(1e-15));
    }

    @Test
    void manyLargeValuesLoseNothing() {
        // Sums of squares would: 1e16 leaves no room for the differences.
        Estimate mean = mean(1e8 + 1, 1e8 + 2, 1e8 + 4, 1e8 + 5);

        assertThat(mean.value()).isEqualTo(1e8 + 3);
        assertThat(mean.standardError()).isCloseTo(Math.sqrt(10.0 / 3 / 4), within(1e-8));
    }

    @Test
    void anErrorThatCannotBeKnownIsNotANumber() {
        assertThat(mean()).isEqualTo(new Estimate(Double.NaN, Double.NaN));
        assertThat(mean(7)).isEqualTo(new Estimate(7, Double.NaN));
    }
}
