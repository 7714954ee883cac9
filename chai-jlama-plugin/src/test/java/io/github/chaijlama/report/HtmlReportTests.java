// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.w3c.dom.Element;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class HtmlReportTests {
    private static final String HOSTILE = "</title></script></style><img src=x onerror=\"alert('1')\"> & ]]> <!-- "
            + "\u0000\u001b\ud800";

    static Stream<Report> reports() {
        return Stream.of(SampleReports.ofEverything(), new Report("empty", "", List.of()));
    }

    @ParameterizedTest
    @MethodSource("reports")
    void pageLoadsNothingAndIsWhole(Report report) throws Exception {
        HtmlPage page = HtmlPage.of(report);
        page.assertLoadsNothing();
        page.assertIsWhole();
    }

    @Test
    void policyAllowsStyleSheetAndScriptByTheirDigestsAndNothingElse() throws Exception {
        HtmlPage page = HtmlPage.of(SampleReports.ofEverything());
        assertThat(page.elements("meta").stream().map(meta -> meta.getAttribute("content")))
                .contains("default-src 'none'; style-src 'sha256-" + digest(page, "style") + "'; script-src 'sha256-"
                        + digest(page, "script") + "'; base-uri 'none'; form-action 'none'");
        assertThat(page.elements("script")).allSatisfy(script -> assertThat(script.hasAttributes()).isFalse());
    }

    /** Returns the digest of an element's text as a browser reads it: as it stands on the page. */
    private static String digest(HtmlPage page, String element) throws Exception {
        String html = page.html();
        String text = html.substring(html.indexOf("<" + element + ">") + element.length() + 2,
                html.indexOf("</" + element + ">"));
        assertThat(text).as("and as an XML parser reads it").isEqualTo(page.texts(element).getFirst());
        return Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-256")
                .digest(text.getBytes(StandardCharsets.UTF_8)));
    }

    @ParameterizedTest
    @ValueSource(strings = { "a < b", "a && b", "]]>" })
    void whatABrowserDoesNotUnescapeMustNotNeedIt(String text) {
        assertThatThrownBy(() -> new Markup().verbatim("script", text)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the text of <script> begins a tag or an entity");
        assertThat(new Markup().verbatim("script", "a > b ? 'x' : \"y\"")).hasToString(
                "<script>a > b ? 'x' : \"y\"</script>");
    }

    @Test
    void everyMarkHasItsValuesAsText() throws Exception {
        HtmlPage page = HtmlPage.of(SampleReports.ofEverything());
        List<String> titles = new ArrayList<>();
        for (Element svg : page.elements("svg")) {
            if (svg.getAttribute("class").startsWith("chart")) {
                HtmlPage.elements(svg, "*").stream().filter(mark -> mark.getAttribute("class").startsWith("mark"))
                        .forEach(mark -> titles.add(((Element) mark.getFirstChild()).getTextContent()));
            }
        }
        assertThat(titles).hasSize(2 * (3 + 2) + 3 * 2).contains("first: Saved (%) 1, Cost (nats) 0.1",
                "first, named: Saved (%) 2, Cost (nats) 0.2 ± 0.05, chosen", "second: Saved (%) 2, Cost (nats) 0.4",
                "tasks, two: 0.5 ± 1", "Saved (%) 2, Cost (nats) 0.3");
    }

    @Test
    void whatBelongsToASeriesIsMarkedWithItsPlaceInTheLegend() throws Exception {
        HtmlPage page = HtmlPage.of(SampleReports.ofEverything());
        List<Element> figures = page.elements("figure");
        for (Element figure : figures.subList(0, 2)) {
            List<Element> legend = HtmlPage.elements(figure, "li");
            assertThat(legend).hasSize(2);
            List<Element> groups = HtmlPage.elements(figure, "g").stream()
                    .filter(group -> group.hasAttribute("data-series")).toList();
            assertThat(groups).as("on a wide and on a narrow page").hasSize(4);
            for (Element group : groups) {
                Element entry = legend.get(Integer.parseInt(group.getAttribute("data-series")));
                assertThat(marks(group)).isNotEmpty().isSubsetOf(marks(entry));
            }
        }
    }

    /** Returns the classes of the marks in an element. */
    private static Set<String> marks(Element parent) {
        return HtmlPage.elements(parent, "*").stream().map(element -> element.getAttribute("class"))
                .filter(cssClass -> cssClass.startsWith("mark")).collect(Collectors.toSet());
    }

    @Test
    void marksOfACrowdedPanelAreThereToBeFound() throws Exception {
        List<Point> points = IntStream.rangeClosed(1, 17).mapToObj(x -> Point.of(x, x).chosen(x == 3)).toList();
        Axis axis = Axis.of("k", "", Axis.Scale.INTEGER);
        Chart chart = new LineChart("panel", "", axis, axis, List.of(new Series("", Series.Style.LINE, points)));
        HtmlPage page = HtmlPage.of(page(new ChartGrid("grid", List.of(chart))));
        assertThat(page.elements("circle")).extracting(circle -> circle.getAttribute("class"))
                .filteredOn(cssClass -> cssClass.startsWith("mark"))
                .hasSize(17).filteredOn("mark s0"::equals).as("the chosen one").hasSize(1);
    }

    @Test
    void aHeatMapNamesTheRowsOfItsTable() throws Exception {
        HeatMap map = new HeatMap("map", "", List.of("a", "b", "c"),
                List.of(List.of(1.0, 0.1, 0.9), List.of(0.1, 1.0, 0.2), List.of(0.9, 0.2, 1.0)), List.of(0, 1, 0), 0,
                1);
        HtmlPage page = HtmlPage.of(page(new ChartGrid("grid", List.of(map, map))));
        List<Element> drawings = page.elements("svg").stream().filter(svg -> svg.hasAttribute("data-order")).toList();
        assertThat(drawings).extracting(svg -> svg.getAttribute("data-order")).containsExactly("0 2 1", "0 2 1");
        assertThat(page.elements("table")).as("a table for each drawing, in the same order").hasSameSizeAs(drawings);
    }

    @Test
    void motionIsForThoseWhoDoNotMind() throws Exception {
        String style = HtmlPage.of(SampleReports.ofEverything()).texts("style").getFirst();
        String allowed = "@media (prefers-reduced-motion: no-preference) {";
        assertThat(style).contains(allowed);
        assertThat(style.substring(0, style.indexOf(allowed))).doesNotContainPattern("transition|animation|scroll-b");
        assertThat(style.substring(style.indexOf("\n}", style.indexOf(allowed))))
                .doesNotContainPattern("transition|animation|scroll-b");
    }

    @Test
    void bothThemesHaveEveryColorAndEverySeriesHasItsOwn() throws Exception {
        String style = HtmlPage.of(SampleReports.ofEverything()).texts("style").getFirst();
        String dark = "@media (prefers-color-scheme: dark)";
        Set<String> light = colors(style.substring(style.indexOf(":root"), style.indexOf(dark)));
        assertThat(light).contains("--page", "--s0", "--s6");
        assertThat(colors(style.substring(style.indexOf(dark), style.indexOf("* {")))).isEqualTo(light);
        List<String> series = new ArrayList<>(List.of("ref"));
        for (int i = 0; i < 7; i++) {
            series.add(Mark.color(i));
        }
        assertThat(series).doesNotHaveDuplicates().allSatisfy(color -> assertThat(style).contains(".line." + color,
                ".bar." + color, ".mark." + color));
    }

    private static Set<String> colors(String style) {
        return Pattern.compile("(--[a-z0-9]+):").matcher(style).results().map(match -> match.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void aReferenceIsDrawnWithoutAColorOfItsOwn() throws Exception {
        LineChart chart = new LineChart("chart", "", Axis.of("x", "", Axis.Scale.LINEAR),
                Axis.of("y", "", Axis.Scale.LINEAR),
                List.of(new Series("arm", Series.Style.LINE, List.of(Point.of(1, 2), Point.of(2, 3))),
                        new Series("peak", Series.Style.REFERENCE, List.of(Point.of(1, 1), Point.of(2, 1)))));
        assertThat(HtmlPage.of(page(chart)).elements("path")).extracting(path -> path.getAttribute("class"))
                .containsExactly("line s0", "line ref", "line s0", "line ref");
    }

    @Test
    void hostileTextStaysText() throws Exception {
        List<Block> blocks = List.of(
                Table.ofNumbers(HOSTILE, List.of(HOSTILE, HOSTILE), List.of(List.of(HOSTILE, HOSTILE))),
                new KeyValues(HOSTILE, List.of(new Entry(HOSTILE, HOSTILE))),
                new KeyFigures(List.of(new Entry(HOSTILE, HOSTILE))), new Note(HOSTILE),
                new LineChart(HOSTILE, HOSTILE, Axis.of(HOSTILE, HOSTILE, Axis.Scale.LINEAR),
                        Axis.of(HOSTILE, HOSTILE, Axis.Scale.LINEAR),
                        List.of(new Series(HOSTILE, Series.Style.LINE,
                                List.of(new Point(1, 1, new Bar.Error(0.5), HOSTILE, true))),
                                new Series(HOSTILE, Series.Style.POINTS, List.of(Point.of(2, 2))))),
                new IntervalChart(HOSTILE, HOSTILE, Axis.of(HOSTILE, HOSTILE, Axis.Scale.LINEAR),
                        List.of(new IntervalChart.Row(HOSTILE, HOSTILE, 1, 1))),
                new ChartGrid(HOSTILE, List.of(new HeatMap(HOSTILE, HOSTILE, List.of(HOSTILE), List.of(List.of(0.5)),
                        List.of(0), 0, 1))));
        HtmlPage page = HtmlPage.of(new Report(HOSTILE, HOSTILE, List.of(new Section(HOSTILE, HOSTILE, blocks))));
        page.assertLoadsNothing();
        assertThat(page.html()).doesNotContain("<img").doesNotContain("<!--")
                .doesNotContain("\u001b");
        assertThat(page.elements("img")).isEmpty();
        assertThat(page.texts("h1").getFirst()).isEqualTo(HOSTILE.replaceAll("[\u0000\u001b\ud800]", "\ufffd"));
    }

    @Test
    void everyChartHasANameAndItsNumbers() throws Exception {
        HtmlPage page = HtmlPage.of(SampleReports.ofEverything());
        List<Element> drawings = page.elements("svg").stream().filter(svg -> !svg.hasAttribute("aria-hidden")).toList();
        assertThat(drawings).as("two charts for wide and narrow pages, three panels, a map and its colours").hasSize(9)
                .allSatisfy(svg -> assertThat(svg.getAttribute("aria-label")).isNotBlank());
        assertThat(page.elements("details")).as("two charts and two grids").hasSize(4);
        assertThat(page.texts("th")).contains("first, named (chosen)", "Panel 2", "more tasks");
    }

    @Test
    void heatMapPutsGroupsTogetherAndFramesThem() throws Exception {
        HeatMap map = new HeatMap("map", "", List.of("a", "b", "c"),
                List.of(List.of(1.0, 0.1, 0.9), List.of(0.1, 1.0, Double.NaN), List.of(0.9, Double.NaN, 1.0)),
                List.of(0, 1, 0), 0, 1);
        assertThat(map.order()).containsExactly(0, 2, 1);
        HtmlPage page = HtmlPage.of(page(map));
        assertThat(page.elements("rect")).filteredOn(rect -> rect.getAttribute("class").equals("outline"))
                .singleElement().satisfies(rect -> assertThat(Double.parseDouble(rect.getAttribute("width")))
                        .as("two of three rows of 220 units").isEqualTo(146.67));
        assertThat(
                page.elements("path").stream().mapToLong(path -> path.getAttribute("d").chars().filter(c -> c == 'M')
                        .count()).sum())
                .as("a run of equal cells is one stroke, a missing value none").isEqualTo(7);
    }

    @Test
    void valuesWithoutAPlaceInterruptTheLine() throws Exception {
        LineChart chart = new LineChart("chart", "", Axis.of("k", "", Axis.Scale.INTEGER),
                Axis.of("KL", "", Axis.Scale.LOGARITHMIC), List.of(new Series("", Series.Style.LINE,
                        List.of(Point.of(1, 0.1), Point.of(2, 0.01), Point.of(3, Double.NaN), Point.of(4, 0.001),
                                Point.of(5, 0)))));
        HtmlPage page = HtmlPage.of(page(chart));
        assertThat(page.elements("path").getFirst().getAttribute("d")).matches("M[^ML]+ [^ML]+L[^ML]+M[^ML]+");
        assertThat(page.texts("td")).contains("–", "0");
    }

    @Test
    void fileIsReplacedAndNothingElseIsLeft(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("report.html");
        Files.writeString(file, "old");
        Report report = SampleReports.ofEverything();
        HtmlReport.write(report, file);
        assertThat(file).hasContent(HtmlReport.html(report));
        assertThat(directory.toFile().list()).containsExactly("report.html");
    }

    @Test
    void aFileThatCannotBeWrittenIsNamed(@TempDir Path directory) {
        Report report = new Report("title", "", List.of());
        assertThatThrownBy(() -> HtmlReport.write(report, directory)).isInstanceOf(IOException.class)
                .hasMessage("report " + directory + " cannot be written: it is a directory");
        Path nowhere = directory.resolve("missing").resolve("report.html");
        assertThatThrownBy(() -> HtmlReport.write(report, nowhere)).isInstanceOf(IOException.class)
                .hasMessageContaining("report " + nowhere + " cannot be written");
        assertThat(directory).isEmptyDirectory();
    }

    private static Report page(Block block) {
        return new Report("title", "", List.of(new Section("section", "", List.of(block))));
    }
}
