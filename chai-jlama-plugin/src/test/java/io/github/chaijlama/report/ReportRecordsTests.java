// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.chaijlama.report.CalibrationReport.Layer;

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
        assertThatThrownBy(() -> new Layer(List.of(2.0, 1.0), 1, 3, true, List.of(), List.of(), List.of()))
                .hasMessage("a layer of 2 heads cannot have 3 clusters");
        assertThatThrownBy(() -> new Layer(List.of(2.0, 1.0), 1, 1, true, List.of(), List.of(0), List.of()))
                .hasMessageContaining("members of 1");
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

    @Test
    void sectionsWithoutNumbersAreLeftOut() {
        Report report = new CalibrationReport("", List.of(), List.of(), List.of(), List.of(), List.of(), List.of(),
                List.of(), List.of(), List.of()).report();
        assertThat(report.sections()).extracting(Section::title).containsExactly("Result", "Settings and versions");
        assertThat(SampleReports.calibration("pocket", 2, 4).report().sections()).extracting(Section::title)
                .containsExactly("Result", "Layers", "Elbow curves", "Similarity of heads", "Sensitivity of each layer",
                        "Quality against saving", "Choices compared", "Settings and versions");
    }

    @Test
    void elbowIsAShareOfTheErrorOfOneClusterAndMarksTheChoice() {
        Layer layer = new Layer(List.of(8.0, 2.0, 0.0), 2, 2, true, List.of(), List.of(0, 1, 0), List.of());
        Report report = new CalibrationReport("", List.of(), List.of(), List.of(), List.of(), List.of(layer), List.of(),
                List.of(), List.of(), List.of()).report();
        ChartGrid grid = (ChartGrid) report.sections().get(2).blocks().getFirst();
        List<Point> points = ((LineChart) grid.charts().getFirst()).series().getFirst().points();
        assertThat(points).extracting(Point::y).containsExactly(100.0, 25.0, 0.0);
        assertThat(points).extracting(Point::chosen).containsExactly(false, true, false);
        assertThat(layer.shared()).isEqualTo("0 2");
    }

    @Test
    void costsAreReadFromZeroUnlessTheyAreGains() {
        assertThat(perplexityAxis(0.5, 0.02).min()).hasValue(0);
        assertThat(perplexityAxis(0.5, -0.001).min()).as("a gain that could not be seen").hasValue(-0.1);
        assertThat(perplexityAxis(0.5, -0.1).min()).isEmpty();
    }

    private static Axis perplexityAxis(double... increases) {
        List<TradeOff> points = Arrays.stream(increases)
                .mapToObj(increase -> new TradeOff("", 0.1, increase, Double.NaN, Double.NaN, false)).toList();
        List<Block> charts = TradeOff.charts(points, Series.Style.LINE);
        assertThat(charts).as("nothing is known of the divergence").hasSize(1);
        return ((LineChart) charts.getFirst()).y();
    }

    @Test
    void whatLiesBeyondTheBudgetGoesOnFromTheLastStep() {
        TradeOff last = new TradeOff("", 0.1, 0.01, 0, 0.001, true);
        LineChart chart = (LineChart) TradeOff
                .chartsBeyond(List.of(last), List.of(new TradeOff("", 0.2, 0.3, 0, 0.1, false))).getFirst();
        assertThat(chart.series()).extracting(Series::name).containsExactly("Search", "Beyond");
        assertThat(chart.series().getLast().points()).extracting(Point::x).containsExactly(10.0, 20.0);
    }

    @Test
    void differenceIsSignificantWhenItsIntervalLeavesZeroOut() {
        Estimate accuracy = new Estimate(0.5, 0.01);
        EvaluationReport.TaskKind kind = new EvaluationReport.TaskKind("recall", 100,
                List.of(new EvaluationReport.TaskScore("exact", accuracy, Estimate.NONE),
                        new EvaluationReport.TaskScore("near", accuracy, new Estimate(-0.01, 0.006)),
                        new EvaluationReport.TaskScore("far", accuracy, new Estimate(-0.02, 0.006))));
        Report report = new EvaluationReport("", List.of(), List.of(), List.of(), List.of(), List.of(), List.of(kind),
                List.of(), List.of()).report();
        Table table = (Table) report.sections().get(1).blocks().get(1);
        assertThat(table.rows()).extracting(List::getLast).containsExactly("", "no", "yes");
        assertThat(table.rows().get(2)).contains("-2.00 ± 0.60");
    }
}
