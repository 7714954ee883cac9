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

    private static Ticks logarithmic(double low, double high) {
        return Ticks.of(Axis.of("", "", Axis.Scale.LOGARITHMIC), new double[]{ low, high }, 0, 100, 6);
    }

    @Test
    void fewTicksOfManyDecadesAreLabelled() {
        assertThat(rounded(logarithmic(0.1, 8000).values(6))).containsExactly(0.1, 1.0, 10.0, 100.0, 1000.0, 10_000.0);
        assertThat(rounded(logarithmic(0.1, 8000).values(3))).containsExactly(0.1, 10.0, 1000.0);
        assertThat(rounded(logarithmic(0.1, 8000).values(11))).as("where there is room")
                .containsExactly(0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0,
                        5000.0, 10_000.0);
    }

    @Test
    void allTicksOfOneDecadeAreLabelled() {
        Ticks ticks = logarithmic(65, 85);
        assertThat(ticks.min()).isEqualTo(60);
        assertThat(ticks.max()).isEqualTo(90);
        assertThat(rounded(ticks.values(6))).containsExactly(60.0, 70.0, 80.0, 90.0);
        assertThat(rounded(logarithmic(0.8, 12).values(6))).containsExactly(0.5, 1.0, 2.0, 5.0, 10.0, 20.0);
    }

    private static List<Double> rounded(List<Double> ticks) {
        return ticks.stream().map(tick -> Double.valueOf(Numbers.significant(tick))).toList();
    }

    @Test
    void wishedTicksAreKeptWhereTheyHaveRoom() {
        Axis axis = Axis.of("", "", Axis.Scale.LOGARITHMIC).withTicks(List.of(128.0, 130.0, 512.0, 2048.0, 5000.0))
                .between(100, 4000);
        assertThat(Ticks.of(axis, new double[]{ 128, 2048 }, 0, 300, 6).values(6)).containsExactly(128.0, 512.0,
                2048.0);
    }

    @Test
    void barsReachToBothSidesAndSayWhatTheyAre() {
        Point error = Point.of(1, 4).with(new Bar.Error(0.5));
        Point range = Point.of(1, 4).with(new Bar.Range(3.9, 6));
        assertThat(List.of(error.low(), error.high(), range.low(), range.high())).containsExactly(3.5, 4.5, 3.9, 6.0);
        assertThat(error.value()).isEqualTo("4 ± 0.5");
        assertThat(range.value()).isEqualTo("4 (3.9 to 6)");
        for (Bar none : List.of(Bar.NONE, new Bar.Error(Double.NaN), new Bar.Error(-1))) {
            Point point = Point.of(1, 4).with(none);
            assertThat(point.value()).isEqualTo("4");
            assertThat(point.low()).isEqualTo(point.high()).isEqualTo(4);
        }
    }
}
