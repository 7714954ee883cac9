// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;

import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NamedNodeMap;
import org.w3c.dom.NodeList;

import static org.assertj.core.api.Assertions.assertThat;

/** A written page, to look at. */
public final class HtmlPage {
    private static final String SCRIPT = script();

    private final String html;
    private final Document document;

    private HtmlPage(String html) throws Exception {
        this.html = html;
        // The page is well-formed XML too.
        document = DocumentBuilderFactory.newInstance().newDocumentBuilder()
                .parse(new ByteArrayInputStream(html.getBytes(StandardCharsets.UTF_8)));
    }

    private static String script() {
        try (InputStream in = HtmlReport.class.getResourceAsStream("report.js")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static HtmlPage of(Report report) throws Exception {
        return new HtmlPage(HtmlReport.html(report));
    }

    public String html() {
        return html;
    }

    /** Returns the elements of a name, in the order of the page. */
    public List<Element> elements(String name) {
        return list(document.getElementsByTagName(name));
    }

    /** Returns the elements of a name inside an element. */
    public static List<Element> elements(Element parent, String name) {
        return list(parent.getElementsByTagName(name));
    }

    private static List<Element> list(NodeList nodes) {
        List<Element> elements = new ArrayList<>();
        for (int i = 0; i < nodes.getLength(); i++) {
            elements.add((Element) nodes.item(i));
        }
        return elements;
    }

    /** Returns the texts of the elements of a name. */
    public List<String> texts(String name) {
        return elements(name).stream().map(Element::getTextContent).toList();
    }

    /** Asserts that nothing on the page could be fetched, or run where the policy does not look. */
    public void assertLoadsNothing() {
        for (Element element : elements("*")) {
            assertThat(element.getTagName()).isNotIn("img", "link", "iframe", "object", "embed", "image", "use", "base",
                    "form", "foreignObject");
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
        assertThat(texts("style")).singleElement().asString().doesNotContain("@import").doesNotContain("url(");
        assertThat(texts("script")).as("the page's own script and no other").containsExactly(SCRIPT);
        assertThat(html.split("<script", -1)).hasSize(2);
        assertThat(html.split("</script", -1)).hasSize(2);
        assertThat(SCRIPT).doesNotContainPattern("fetch|XMLHttp|WebSocket|EventSource|sendBeacon|import|https?:|src");
        assertThat(SCRIPT).doesNotContainPattern("eval|Function\\(|innerHTML|outerHTML|insertAdjacent|document\\.write"
                + "|createElement\\('script|location");
    }

    /** Asserts that every link has a target and every number is a number. */
    public void assertIsWhole() {
        List<String> ids = elements("section").stream().map(section -> section.getAttribute("id")).toList();
        assertThat(elements("a").stream().map(link -> link.getAttribute("href").substring(1)).toList()).isEqualTo(ids);
        assertThat(html).doesNotContain("NaN").doesNotContain("Infinity");
    }
}
