// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

class ReportRecordsTests {

    @Test
    void partsThatDoNotFitAreRejected() {
        assertThatThrownBy(() -> Table.ofNumbers("", List.of("a", "b"), List.of(List.of("1"))))
                .hasMessage("row 0 has 1 cells, the table has 2 columns");
        assertThatThrownBy(() -> new HeatMap("", "", List.of("a"), List.of(List.of(1.0, 2.0)), List.of(0), 0, 1))
                .hasMessageContaining("1 x 1 values");
        assertThatThrownBy(() -> new HeatMap("", "", List.of("a"), List.of(List.of(1.0)), List.of(0), 1, 1))
                .hasMessageContaining("range");
        assertThatThrownBy(() -> new ChartGrid("", List.of())).hasMessageContaining("one kind");
    }

    @ParameterizedTest
    @CsvSource({ "0, 0", "1234567, 1235000", "0.00012346, 0.0001235", "0.000012345, 1.23e-05", "-0.5, -0.5", "100, 100",
            "NaN, –", "-Infinity, –" })
    void numbersHaveFourDigits(double value, String text) {
        assertThat(Numbers.significant(value)).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource({ "LINEAR, 0.3, 9.7, 0, 10", "LINEAR, -3, 4, -4, 4", "LINEAR, 98, 99, 98, 99", "LINEAR, 5, 5, 4.4, 5.6",
            "INTEGER, 1, 3, 0, 3", "LOGARITHMIC, 0.002, 0.3, 0.001, 1", "LOGARITHMIC, 10, 10, 10, 100" })
    void axesEndAtRoundNumbers(Axis.Scale scale, double low, double high, double min, double max) {
        Ticks ticks = Ticks.of(Axis.of("", "", scale), new double[]{ low, high, Double.NaN }, 0, 100, 5);
        assertThat(ticks.min()).isCloseTo(min, within(1e-12));
        assertThat(ticks.max()).isCloseTo(max, within(1e-12));
        assertThat(ticks.position(min)).isCloseTo(0, within(1e-9));
        assertThat(ticks.position(max)).isCloseTo(100, within(1e-9));
        assertThat(ticks.values(5)).hasSizeBetween(2, 8).allMatch(ticks::contains);
    }

    @Test
    void widenedAxisEndsAtATick() {
        Ticks ticks = Ticks.of(Axis.of("", "", Axis.Scale.LINEAR), new double[]{ 0, 1.11 }, 0, 100, 6);
        assertThat(ticks.max()).isCloseTo(1.2, within(1e-12));
        assertThat(ticks.values(6)).as("1.2 / 6 is a hair more than 0.2").hasSize(7);
    }

    @Test
    void logarithmicAxesSpreadByFactors() {
        Ticks ticks = Ticks.of(Axis.of("", "", Axis.Scale.LOGARITHMIC), new double[]{ 0.01, 1 }, 0, 100, 5);
        assertThat(ticks.position(0.1)).isBetween(49.999, 50.001);
        assertThat(ticks.contains(0)).isFalse();
    }
}
