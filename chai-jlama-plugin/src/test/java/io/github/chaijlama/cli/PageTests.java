// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.w3c.dom.Element;

import io.github.chaijlama.bench.Measurement;
import io.github.chaijlama.bench.Spread;
import io.github.chaijlama.calibrate.Calibration;
import io.github.chaijlama.calibrate.LayerRedundancy;
import io.github.chaijlama.calibrate.QualityLoss;
import io.github.chaijlama.cluster.ErrorCurve;
import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.evaluate.Arm;
import io.github.chaijlama.evaluate.Estimate;
import io.github.chaijlama.evaluate.TaskEvaluation;
import io.github.chaijlama.evaluate.TaskResult;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.profile.ModelShape;
import io.github.chaijlama.report.Axis;
import io.github.chaijlama.report.Bar;
import io.github.chaijlama.report.Block;
import io.github.chaijlama.report.ChartGrid;
import io.github.chaijlama.report.HtmlPage;
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
        return Stream.of(calibration(6, 8), evaluation(), BenchPage.of(SampleResults.benchmarked("llama-2-7b")),
                calibration(1, 1), calibration(32, 32));
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
    void aLargeModelFitsInAFewMegabytes() throws Exception {
        assertThat(HtmlPage.of(calibration(80, 64)).html().length()).isBetween(1 << 20, 10 << 20);
    }

    @Test
    void sameResultSameBytes() throws Exception {
        assertThat(HtmlPage.of(calibration(6, 8)).html()).isEqualTo(HtmlPage.of(calibration(6, 8)).html());
    }

    @Test
    void whatWasNotMeasuredHasNoSection() {
        assertThat(calibration(2, 4).sections()).extracting(Section::title).containsExactly("Result", "Layers",
                "Elbow curves", "Similarity of heads", "Sensitivity of each layer", "Quality against saving",
                "Settings and versions");
        Calibration all = SampleResults.calibration(2, 4);
        Calibration withoutSearch = new Calibration(all.profile(), SampleResults.options(Optional.empty()),
                all.samples(),
                all.tokens(), all.heldOut(), List.of(), all.exactPerplexity(), all.loss(), Optional.empty());
        assertThat(new CalibrationPage(withoutSearch, SampleResults.FACTS, "texts").report().sections())
                .extracting(Section::title).containsExactly("Result", "Settings and versions");
        assertThat(new EvaluationPage(SampleResults.evaluated(Optional.empty(), SampleResults.evaluated().tasks()),
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
        Calibration calibration = new Calibration(profile, SampleResults.options(Optional.empty()), 1, 10, 2,
                List.of(redundancy(8.0, 2.0, 0.0)), 3, loss, Optional.empty());
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
        return new TaskResult(new Arm(name, Optional.empty(), KvType.F32), SampleResults.group("all", 100, lost, error),
                List.of(), 1, 1, 0);
    }

    // ---- benchmark ----

    private static LineChart chart(Report report, String title) {
        return report.sections().stream().flatMap(section -> section.blocks().stream())
                .filter(LineChart.class::isInstance).map(LineChart.class::cast)
                .filter(chart -> chart.title().equals(title)).findFirst().orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(strings = { "Time to first token", "One more token", "Attention alone, prefill, a layer",
            "Attention alone, one more token, a layer" })
    void chartsOfABenchmarkHaveALineForEveryArmWithRanges(String title) {
        Benchmarked benchmarked = SampleResults.benchmarked("llama-2-7b");
        LineChart chart = chart(BenchPage.of(benchmarked), title);
        List<Series> arms = chart.series().stream().filter(series -> series.style() == Series.Style.LINE).toList();
        assertThat(arms).extracting(Series::name).containsExactly("stock", "exact", "exact bf16", "exact i8",
                "clustered", "clustered bf16", "clustered i8");
        for (Series arm : arms) {
            List<Measurement> measured = benchmarked.result().measurements().stream()
                    .filter(measurement -> measurement.arm().label().equals(arm.name())).toList();
            assertThat(arm.points()).hasSameSizeAs(measured);
            for (int i = 0; i < measured.size(); i++) {
                Measurement measurement = measured.get(i);
                Spread millis = switch (title) {
                    case "Time to first token" -> measurement.prefillMillis();
                    case "One more token" -> measurement.decodeMillis();
                    case "Attention alone, prefill, a layer" -> measurement.prefillAttentionMillis();
                    default -> measurement.decodeAttentionMillis();
                };
                assertThat(arm.points().get(i)).isEqualTo(
                        Point.of(measurement.context(), millis.median()).with(new Bar.Range(millis.min(),
                                millis.max())));
            }
        }
        assertThat(chart.x().scale()).isEqualTo(Axis.Scale.LOGARITHMIC);
        assertThat(chart.y().scale()).isEqualTo(Axis.Scale.LOGARITHMIC);
        assertThat(chart.x().ticks()).containsExactly(128.0, 512.0, 2048.0);
    }

    @Test
    void attentionIsHeldAgainstThePeakOfTheMachine() {
        Report report = BenchPage.of(SampleResults.benchmarked("llama-2-7b"));
        Series prefill = chart(report, "Attention alone, prefill, a layer").series().getLast();
        Series decode = chart(report, "Attention alone, one more token, a layer").series().getLast();
        assertThat(List.of(prefill.style(), decode.style())).containsOnly(Series.Style.REFERENCE);
        assertThat(prefill.points().getFirst().y()).as("operations at 150 GFLOP/s, milliseconds")
                .isCloseTo(8192.0 * 128 * 128 / 150e6, within(1e-9));
        assertThat(prefill.points().getFirst().low()).isCloseTo(8192.0 * 128 * 128 / 169e6, within(1e-9));
        assertThat(decode.points().getLast().y()).as("bytes of the arm with most, at 30 GB/s")
                .isCloseTo(32_768.0 * 2048 / 30e6, within(1e-9));
        assertThat(chart(report, "One more token").series()).noneMatch(
                series -> series.style() == Series.Style.REFERENCE);
    }

    @Test
    void aDifferenceBelowNothingHasNoMarkAndStandsInTheTable() throws Exception {
        Benchmarked benchmarked = SampleResults.benchmarked("llama-2-7b");
        LineChart chart = chart(BenchPage.of(benchmarked), "Attention alone, prefill, a layer");
        assertThat(chart.series().getFirst().points().getFirst().y()).isNegative();
        HtmlPage page = HtmlPage.of(new Report("", "", List.of(new Section("", "", List.of(chart)))));
        assertThat(page.texts("title")).filteredOn(title -> title.startsWith("stock: Tokens before"))
                .as("two of three contexts, on a wide and on a narrow page").hasSize(4)
                .noneMatch(title -> title.contains("before 128"));
        assertThat(page.texts("td")).anyMatch(cell -> cell.startsWith("-7.571 ("));
    }

    @Test
    void tablesOfABenchmarkHaveWhatTheTextHas() throws Exception {
        HtmlPage page = HtmlPage.of(BenchPage.of(SampleResults.benchmarked("llama-2-7b")));
        assertThat(page.texts("caption")).contains("Whole steps", "Extrapolated to 32 layers",
                "Attention alone, a layer", "Shares of a step (%)");
        assertThat(page.texts("td")).as("exact at 2,048 tokens: whole step, attention, bytes, rates, shares")
                .contains("19104.09 (17957.84 to 24835.32)", "672.09 (631.76 to 873.72)", "4.246 (3.991 to 5.520)",
                        "64.00", "51.12", "34.1 %", "15.81*", "52.7 %", "40.2");
        assertThat(page.texts("p")).anyMatch(text -> text.startsWith("Extrapolated, not measured"));
        assertThat(page.texts("dt")).contains("clustered, a token after 2048 tokens");
    }

    @Test
    void whatABenchmarkHadNoTimeForIsSaid() throws Exception {
        Report report = BenchPage.of(SampleResults.benchmarked("mha", List.of(),
                List.of("8 tokens, stock: not measured", "8 tokens, exact: not measured")));
        assertThat(report.sections()).extracting(Section::title).containsExactly("Result", "Settings and versions");
        assertThat(HtmlPage.of(report).texts("p")).contains("Left out, because the time of --max-seconds was over: "
                + "8 tokens, stock: not measured; 8 tokens, exact: not measured.");
    }

    @Test
    void theNameOfAModelIsText() throws Exception {
        String name = "<img src=x onerror=\"alert('1')\">&";
        HtmlPage page = HtmlPage.of(BenchPage.of(SampleResults.benchmarked(name)));
        assertThat(page.elements("img")).isEmpty();
        assertThat(page.texts("dd")).contains(name);
        page.assertLoadsNothing();
    }
}
