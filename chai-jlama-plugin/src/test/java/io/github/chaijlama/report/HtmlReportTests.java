// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NamedNodeMap;
import org.w3c.dom.NodeList;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class HtmlReportTests {
    private static final String HOSTILE = "</title></script></style><img src=x onerror=\"alert('1')\"> & ]]> <!-- "
            + "\u0000\u001b\ud800";

    static Stream<Report> reports() {
        return Stream.of(SampleReports.calibration("pocket", 6, 8).report(),
                SampleReports.evaluation("pocket").report(),
                SampleReports.calibration("one", 1, 1).report(), SampleReports.calibration("large", 32, 32).report(),
                new Report("empty", "", List.of()));
    }

    @ParameterizedTest
    @MethodSource("reports")
    void pageLoadsNothingAndHasNoScript(Report report) throws Exception {
        Document page = parse(HtmlReport.html(report));
        for (Element element : elements(page, "*")) {
            assertThat(element.getTagName()).isNotIn("script", "img", "link", "iframe", "object", "embed", "image",
                    "use",
                    "base", "form", "foreignObject");
            NamedNodeMap attributes = element.getAttributes();
            for (int i = 0; i < attributes.getLength(); i++) {
                String name = attributes.item(i).getNodeName();
                assertThat(name).as("handlers and inline style, which the policy would refuse").doesNotStartWith("on")
                        .isNotEqualTo("style").isNotEqualTo("src");
                if (name.equals("href")) {
                    assertThat(attributes.item(i).getNodeValue()).startsWith("#");
                }
            }
        }
        assertThat(elements(page, "style").getFirst().getTextContent()).doesNotContain("@import")
                .doesNotContain("url(");
    }

    @ParameterizedTest
    @MethodSource("reports")
    void everyLinkHasATargetAndEveryNumberIsANumber(Report report) throws Exception {
        String html = HtmlReport.html(report);
        Document page = parse(html);
        List<String> ids = elements(page, "section").stream().map(section -> section.getAttribute("id")).toList();
        assertThat(elements(page, "a").stream().map(link -> link.getAttribute("href").substring(1)).toList())
                .isEqualTo(ids);
        assertThat(html).doesNotContain("NaN").doesNotContain("Infinity");
    }

    @Test
    void policyAllowsTheStyleSheetByItsDigestAndNothingElse() throws Exception {
        Document page = parse(HtmlReport.html(SampleReports.evaluation("pocket").report()));
        String style = elements(page, "style").getFirst().getTextContent();
        String digest = Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-256")
                .digest(style.getBytes(StandardCharsets.UTF_8)));
        assertThat(elements(page, "meta").stream().map(meta -> meta.getAttribute("content")))
                .contains("default-src 'none'; style-src 'sha256-" + digest
                        + "'; base-uri 'none'; form-action 'none'");
        assertThat(style).as("a browser reads the sheet unescaped").doesNotContainPattern("[<>&]");
    }

    @Test
    void hostileTextStaysText() throws Exception {
        List<Block> blocks = List.of(
                Table.ofNumbers(HOSTILE, List.of(HOSTILE, HOSTILE), List.of(List.of(HOSTILE, HOSTILE))),
                new KeyValues(HOSTILE, List.of(new Entry(HOSTILE, HOSTILE))),
                new KeyFigures(List.of(new Entry(HOSTILE, HOSTILE))), new Note(HOSTILE),
                new LineChart(HOSTILE, HOSTILE, Axis.of(HOSTILE, HOSTILE, Axis.Scale.LINEAR),
                        Axis.of(HOSTILE, HOSTILE, Axis.Scale.LINEAR),
                        List.of(new Series(HOSTILE, Series.Style.LINE, List.of(new Point(1, 1, 0.5, HOSTILE, true))),
                                new Series(HOSTILE, Series.Style.POINTS, List.of(Point.of(2, 2))))),
                new IntervalChart(HOSTILE, HOSTILE, Axis.of(HOSTILE, HOSTILE, Axis.Scale.LINEAR),
                        List.of(new IntervalChart.Row(HOSTILE, HOSTILE, 1, 1))),
                new ChartGrid(HOSTILE, List.of(new HeatMap(HOSTILE, HOSTILE, List.of(HOSTILE), List.of(List.of(0.5)),
                        List.of(0), 0, 1))));
        String html = HtmlReport.html(new Report(HOSTILE, HOSTILE, List.of(new Section(HOSTILE, HOSTILE, blocks))));
        assertThat(html).doesNotContain("<img").doesNotContain("</script").doesNotContain("<!--")
                .doesNotContain("\u001b");
        Document page = parse(html);
        assertThat(elements(page, "img")).isEmpty();
        assertThat(elements(page, "h1").getFirst().getTextContent())
                .isEqualTo(HOSTILE.replaceAll("[\u0000\u001b\ud800]", "\ufffd"));
    }

    @Test
    void everyChartHasANameAndItsNumbers() throws Exception {
        Document page = parse(HtmlReport.html(SampleReports.calibration("pocket", 6, 8).report()));
        List<Element> drawings = elements(page, "svg").stream()
                .filter(svg -> !svg.hasAttribute("aria-hidden")).toList();
        assertThat(drawings).hasSizeGreaterThan(3 * 6)
                .allSatisfy(svg -> assertThat(svg.getAttribute("aria-label")).isNotBlank());
        assertThat(elements(page, "details")).as("three grids of layers and five charts").hasSize(8);
        assertThat(elements(page, "th")).filteredOn(cell -> cell.getTextContent().startsWith("Layer ")).hasSize(12);
    }

    @Test
    void heatMapPutsGroupsTogetherAndFramesThem() throws Exception {
        HeatMap map = new HeatMap("map", "", List.of("a", "b", "c"), Numbers.matrix(new double[][]{ { 1, 0.1, 0.9 },
                { 0.1, 1, Double.NaN }, { 0.9, Double.NaN, 1 } }), List.of(0, 1, 0), 0, 1);
        assertThat(map.order()).containsExactly(0, 2, 1);
        Document page = parse(HtmlReport.html(page(map)));
        assertThat(elements(page, "rect")).filteredOn(rect -> rect.getAttribute("class").equals("outline"))
                .singleElement().satisfies(rect -> assertThat(Double.parseDouble(rect.getAttribute("width")))
                        .as("two of three rows of 220 units").isEqualTo(146.67));
        assertThat(
                elements(page, "path").stream().mapToLong(path -> path.getAttribute("d").chars().filter(c -> c == 'M')
                        .count()).sum())
                .as("a run of equal cells is one stroke, a missing value none").isEqualTo(7);
    }

    @Test
    void valuesWithoutAPlaceInterruptTheLine() throws Exception {
        LineChart chart = new LineChart("chart", "", Axis.of("k", "", Axis.Scale.INTEGER),
                Axis.of("KL", "", Axis.Scale.LOGARITHMIC), List.of(new Series("", Series.Style.LINE,
                        List.of(Point.of(1, 0.1), Point.of(2, 0.01), Point.of(3, Double.NaN), Point.of(4, 0.001),
                                Point.of(5, 0)))));
        Document page = parse(HtmlReport.html(page(chart)));
        assertThat(elements(page, "path").getFirst().getAttribute("d")).matches("M[^ML]+ [^ML]+L[^ML]+M[^ML]+");
        assertThat(elements(page, "td").stream().map(Element::getTextContent)).contains("–", "0");
    }

    @Test
    void aLargeModelFitsInAFewMegabytes() {
        String html = HtmlReport.html(SampleReports.calibration("large", 80, 64).report());
        assertThat(html.length()).isBetween(1 << 20, 10 << 20);
    }

    @Test
    void sameReportSameBytes() {
        assertThat(HtmlReport.html(SampleReports.calibration("pocket", 6, 8).report()))
                .isEqualTo(HtmlReport.html(SampleReports.calibration("pocket", 6, 8).report()));
    }

    @Test
    void fileIsReplacedAndNothingElseIsLeft(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("report.html");
        Files.writeString(file, "old");
        Report report = SampleReports.evaluation("pocket").report();
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

    /** The page is well-formed XML too. */
    private static Document parse(String html) throws Exception {
        return DocumentBuilderFactory.newInstance().newDocumentBuilder()
                .parse(new ByteArrayInputStream(html.getBytes(StandardCharsets.UTF_8)));
    }

    private static List<Element> elements(Document page, String name) {
        NodeList nodes = page.getElementsByTagName(name);
        List<Element> elements = new ArrayList<>();
        for (int i = 0; i < nodes.getLength(); i++) {
            elements.add((Element) nodes.item(i));
        }
        return elements;
    }
}
