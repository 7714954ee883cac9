// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

import static org.assertj.core.api.Assertions.assertThat;

/** What the library brings along. */
class DependenciesTests {
    private static final Map<String, Element> DEPENDENCIES = new HashMap<>();

    @BeforeAll
    static void readProject() throws Exception {
        Element project = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(Path.of("pom.xml").toFile())
                .getDocumentElement();
        NodeList dependencies = project.getElementsByTagName("dependency");
        for (int i = 0; i < dependencies.getLength(); i++) {
            Element dependency = (Element) dependencies.item(i);
            DEPENDENCIES.put(child(dependency, "artifactId"), dependency);
        }
    }

    private static String child(Element dependency, String name) {
        NodeList found = dependency.getElementsByTagName(name);
        return found.getLength() == 0 ? "" : found.item(0).getTextContent();
    }

    @ParameterizedTest
    @ValueSource(strings = { "picocli", "slf4j-simple" })
    void whatOnlyTheCommandNeedsIsOptional(String artifact) {
        assertThat(DEPENDENCIES).containsKey(artifact);
        assertThat(child(DEPENDENCIES.get(artifact), "optional")).isEqualTo("true");
    }

    @Test
    void whatTheLibraryNeedsIsNot() {
        assertThat(DEPENDENCIES.values()).filteredOn(dependency -> child(dependency, "optional").equals("true"))
                .extracting(dependency -> child(dependency, "artifactId"))
                .containsExactlyInAnyOrder("picocli", "slf4j-simple");
    }
}
