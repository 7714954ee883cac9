// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.w3c.dom.Element;

import io.github.chaijlama.calibrate.Calibration;
import io.github.chaijlama.calibrate.LayerRedundancy;
import io.github.chaijlama.calibrate.QualityLoss;
import io.github.chaijlama.cluster.ErrorCurve;
import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.evaluate.Arm;
import io.github.chaijlama.evaluate.Estimate;
import io.github.chaijlama.evaluate.TaskEvaluation;
import io.github.chaijlama.evaluate.TaskResult;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.profile.ModelShape;
import io.github.chaijlama.report.Axis;
import io.github.chaijlama.report.Block;
import io.github.chaijlama.report.ChartGrid;
import io.github.chaijlama.report.HtmlPage;
import io.github.chaijlama.report.HtmlReport;
import io.github.chaijlama.report.LineChart;
import io.github.chaijlama.report.Point;
import io.github.chaijlama.report.Report;
import io.github.chaijlama.report.Section;
import io.github.chaijlama.report.Series;
import io.github.chaijlama.report.Table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

/** Results as pages. */
class PageTests {

    private static Report calibration(int layers, int heads) {
        return new CalibrationPage(SampleResults.calibration(layers, heads), SampleResults.FACTS, "texts.jsonl")
                .report();
    }

    private static Report evaluation() {
        return new EvaluationPage(SampleResults.evaluated(), SampleResults.FACTS).report();
    }

    static Stream<Report> pages() {
        return Stream.of(calibration(6, 8), evaluation(), calibration(1, 1), calibration(32, 32));
    }

    @ParameterizedTest
    @MethodSource("pages")
    void pageLoadsNothingAndIsWhole(Report report) throws Exception {
        HtmlPage page = HtmlPage.of(report);
        page.assertLoadsNothing();
        page.assertIsWhole();
    }

    @Test
    void everyChartOfACalibrationHasANameAndItsNumbers() throws Exception {
        HtmlPage page = HtmlPage.of(calibration(6, 8));
        List<Element> drawings = page.elements("svg").stream().filter(svg -> !svg.hasAttribute("aria-hidden")).toList();
        assertThat(drawings).hasSizeGreaterThan(3 * 6)
                .allSatisfy(svg -> assertThat(svg.getAttribute("aria-label")).isNotBlank());
        assertThat(page.elements("details")).as("three grids of layers and five charts").hasSize(8);
        assertThat(page.texts("th")).filteredOn(text -> text.startsWith("Layer ")).hasSize(12);
    }

    @Test
    void aLargeModelFitsInAFewMegabytes() {
        assertThat(HtmlReport.html(calibration(80, 64)).length()).isBetween(1 << 20, 10 << 20);
    }

    @Test
    void sameResultSameBytes() {
        assertThat(HtmlReport.html(calibration(6, 8))).isEqualTo(HtmlReport.html(calibration(6, 8)));
    }

    @Test
    void whatWasNotMeasuredHasNoSection() {
        assertThat(calibration(2, 4).sections()).extracting(Section::title).containsExactly("Result", "Layers",
                "Elbow curves", "Similarity of heads", "Sensitivity of each layer", "Quality against saving",
                "Settings and versions");
        Calibration all = SampleResults.calibration(2, 4);
        Calibration withoutSearch = new Calibration(all.profile(), SampleResults.options(null), all.samples(),
                all.tokens(), all.heldOut(), List.of(), all.exactPerplexity(), all.loss(), null);
        assertThat(new CalibrationPage(withoutSearch, SampleResults.FACTS, "texts").report().sections())
                .extracting(Section::title).containsExactly("Result", "Settings and versions");
        assertThat(new EvaluationPage(SampleResults.evaluated(null, SampleResults.evaluated().tasks()),
                SampleResults.FACTS).report().sections()).extracting(Section::title)
                .containsExactly("Result", "Tasks", "Settings and versions");
    }

    @Test
    void partsOfALayerThatDoNotFitAreRejected() {
        LayerRedundancy found = redundancy(2.0, 1.0);
        assertThatThrownBy(() -> new CalibratedLayer(found, 3, List.of(0, 1), List.of()))
                .hasMessage("a layer of 2 heads cannot have 3 clusters");
        assertThatThrownBy(() -> new CalibratedLayer(found, 1, List.of(0), List.of()))
                .hasMessageContaining("members of 1");
    }

    private static LayerRedundancy redundancy(Double... errors) {
        List<List<Double>> similarity = Arrays.stream(errors).map(row -> Arrays.stream(errors).map(_ -> 1.0).toList())
                .toList();
        return new LayerRedundancy(new ErrorCurve(List.of(errors), 10), similarity, 1, 2, 0, 2);
    }

    @Test
    void elbowIsAShareOfTheErrorOfOneClusterAndMarksTheChoice() {
        ClusterProfile profile = new ClusterProfile(new ModelShape("llama", 1, 3, 3, 16), List.of(2),
                new Membership.Static(List.of(HeadClusters.of(new int[]{ 0, 1, 0 }, new int[]{ 0, 1 }))));
        QualityLoss loss = SampleResults.loss(0.1, 0.01, 0.001, 0.01);
        Calibration calibration = new Calibration(profile, SampleResults.options(null), 1, 10, 2,
                List.of(redundancy(8.0, 2.0, 0.0)), 3, loss, null);
        Report report = new CalibrationPage(calibration, SampleResults.FACTS, "texts").report();
        ChartGrid grid = (ChartGrid) report.sections().get(2).blocks().getFirst();
        List<Point> points = ((LineChart) grid.charts().getFirst()).series().getFirst().points();
        assertThat(points).extracting(Point::y).containsExactly(100.0, 25.0, 0.0);
        assertThat(points).extracting(Point::chosen).containsExactly(false, true, false);
        Table layers = (Table) report.sections().get(1).blocks().getLast();
        assertThat(layers.rows()).containsExactly(List.of("0", "2", "2", "yes", "25.0 %", "0 2"));
    }

    @Test
    void costsAreReadFromZeroUnlessTheyAreGains() {
        assertThat(perplexityAxis(0.5, 0.02).min()).hasValue(0);
        assertThat(perplexityAxis(0.5, -0.001).min()).as("a gain that could not be seen").hasValue(-0.1);
        assertThat(perplexityAxis(0.5, -0.1).min()).isEmpty();
    }

    private static TradeOff tradeOff(double saving, double increase, double kl) {
        return new TradeOff("", saving, new Estimate(increase, Double.NaN), kl, false);
    }

    private static Axis perplexityAxis(double... increases) {
        List<TradeOff> points = Arrays.stream(increases)
                .mapToObj(increase -> tradeOff(0.1, increase, Double.NaN)).toList();
        List<Block> charts = TradeOff.charts(points, Series.Style.LINE);
        assertThat(charts).as("nothing is known of the divergence").hasSize(1);
        return ((LineChart) charts.getFirst()).y();
    }

    @Test
    void whatLiesBeyondTheBudgetGoesOnFromTheLastStep() {
        LineChart chart = (LineChart) TradeOff
                .chartsBeyond(List.of(tradeOff(0.1, 0.01, 0.001)), List.of(tradeOff(0.2, 0.3, 0.1))).getFirst();
        assertThat(chart.series()).extracting(Series::name).containsExactly("Search", "Beyond");
        assertThat(chart.series().getLast().points()).extracting(Point::x).containsExactly(10.0, 20.0);
    }

    @Test
    void theErrorOfAnIncreaseInPerplexityIsThatOfTheExponential() {
        Estimate increase = TradeOff.increase(SampleResults.loss(0.1, 0.5, 0.01, 0));
        assertThat(increase.value()).isCloseTo(0.5, within(1e-12));
        assertThat(increase.standardError()).isCloseTo(1.5 * 0.01, within(1e-12));
    }

    @Test
    void differenceIsSignificantWhenItsIntervalLeavesZeroOut() {
        TaskEvaluation tasks = new TaskEvaluation(100, result("exact", 0, 0),
                List.of(result("near", 0.01, 0.006), result("far", 0.02, 0.006)));
        Table table = (Table) TaskSection.of(tasks).blocks().get(1);
        List<List<String>> rows = table.rows().subList(0, 3);
        assertThat(rows).extracting(List::getLast).containsExactly("", "no", "yes");
        assertThat(rows.get(2)).contains("-2.00 ± 0.60");
    }

    private static TaskResult result(String name, double lost, double error) {
        return new TaskResult(new Arm(name, null), SampleResults.group("all", 100, lost, error), List.of(), 1, 1, 0);
    }
}
