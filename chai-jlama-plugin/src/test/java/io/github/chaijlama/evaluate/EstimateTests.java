// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

class EstimateTests {

    @Test
    void theErrorOfAnExponentialIsThatOfItsSlope() {
        Estimate increase = new Estimate(0.02, 0.003).expm1();

        assertThat(increase.value()).isEqualTo(Math.expm1(0.02));
        assertThat(increase.standardError()).isCloseTo(1.02020134 * 0.003, within(1e-10));
        assertThat(new Estimate(0.02, 0.003).exp().value()).isEqualTo(Math.exp(0.02));
        assertThat(new Estimate(0, Double.NaN).expm1()).isEqualTo(new Estimate(0, Double.NaN));
    }

    @Test
    void oneSampleInTwentyLiesAboveTheUpperBound() {
        assertThat(new Estimate(2, 0.1).upperBound()).isCloseTo(2.1645, within(1e-12));
        assertThat(new Estimate(2, Double.NaN).upperBound()).isNaN();
    }

    @Test
    void zeroOutsideOfTheIntervalOf95PercentIsSignificant() {
        assertThat(new Estimate(1, 0.1).halfWidth95()).isCloseTo(0.196, within(1e-12));
        assertThat(new Estimate(0.195, 0.1).isSignificant()).isFalse();
        assertThat(new Estimate(0.197, 0.1).isSignificant()).as("less than two standard errors").isTrue();
        assertThat(new Estimate(-0.197, 0.1).isSignificant()).isTrue();
        assertThat(new Estimate(1, Double.NaN).isSignificant()).isFalse();
        assertThat(new Estimate(1, Double.NaN).halfWidth95()).isNaN();
    }

    @Test
    void theOtherSignKeepsTheError() {
        assertThat(new Estimate(0.25, 0.1).negated()).isEqualTo(new Estimate(-0.25, 0.1));
        assertThat(new Estimate(0, 0.1).negated()).as("no negative zero").isEqualTo(new Estimate(0, 0.1));
    }
}
