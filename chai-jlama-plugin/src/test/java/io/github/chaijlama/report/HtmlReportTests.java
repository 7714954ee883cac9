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
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
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
    void policyAllowsTheStyleSheetByItsDigestAndNothingElse() throws Exception {
        HtmlPage page = HtmlPage.of(SampleReports.ofEverything());
        String style = page.texts("style").getFirst();
        String digest = Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-256")
                .digest(style.getBytes(StandardCharsets.UTF_8)));
        assertThat(page.elements("meta").stream().map(meta -> meta.getAttribute("content")))
                .contains("default-src 'none'; style-src 'sha256-" + digest
                        + "'; base-uri 'none'; form-action 'none'");
        assertThat(style).as("a browser reads the sheet unescaped").doesNotContainPattern("[<>&]");
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
        assertThat(page.html()).doesNotContain("<img").doesNotContain("</script").doesNotContain("<!--")
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
