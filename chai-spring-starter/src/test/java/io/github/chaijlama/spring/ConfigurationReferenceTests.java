// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Collectors;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The table of all properties in {@code docs/configuration.md} is what the metadata say. With
 * {@code -Dconfiguration.write} it is written:
 *
 * <pre>
 * mvn -pl chai-spring-starter -am test -Dtest=ConfigurationReferenceTests -Dsurefire.failIfNoSpecifiedTests=false \
 *     -Dconfiguration.write=true
 * </pre>
 */
class ConfigurationReferenceTests {
    private static final Path DOCUMENT = Path.of("docs/configuration.md");
    private static final String BEGIN = "<!-- properties: written by ConfigurationReferenceTests -->\n";
    private static final String END = "<!-- end of properties -->\n";

    private static String table() {
        return "| property | values | default | |\n| --- | --- | --- | --- |\n" + Metadata.properties().stream()
                .map(each -> "| `" + each.name() + "` | " + values(each) + " | "
                        + (each.defaultValue().isEmpty() ? "" : "`" + each.defaultValue() + "`") + " | "
                        + each.description().replace("|", "\\|").replace("<", "&lt;") + " |\n")
                .collect(Collectors.joining());
    }

    private static String values(Metadata.Property property) {
        if (!property.constants().isEmpty()) {
            return property.constants().stream().map(each -> "`" + each + "`").collect(Collectors.joining(", "));
        }
        return switch (property.type().replaceAll("<.*", "")) {
            case "java.lang.Boolean" -> "`true`, `false`";
            case "java.lang.Integer", "java.lang.Long" -> "whole number";
            case "java.lang.Double" -> "number";
            case "java.lang.String" -> "text";
            case "java.time.Duration" -> "time: `30s`";
            case "org.springframework.util.unit.DataSize" -> "size: `2GB`";
            case "java.util.List" -> "list";
            case "java.util.Map" -> "by name";
            default -> property.type().replaceAll(".*[.$]", "");
        };
    }

    @Test
    void theTableOfPropertiesIsWhatTheMetadataSay() throws IOException {
        String document = Files.readString(DOCUMENT).replace("\r\n", "\n");
        int begin = document.indexOf(BEGIN) + BEGIN.length();
        int end = document.indexOf(END);
        assertThat(begin).as("the mark before the table").isGreaterThanOrEqualTo(BEGIN.length());
        assertThat(end).as("the mark behind the table").isGreaterThan(begin);
        if (Boolean.getBoolean("configuration.write")) {
            document = document.substring(0, begin) + "\n" + table() + "\n" + document.substring(end);
            Files.writeString(DOCUMENT, document);
            end = document.indexOf(END);
        }
        assertThat(document.substring(begin, end).strip())
                .as("write it with -Dtest=ConfigurationReferenceTests -Dconfiguration.write=true")
                .isEqualTo(table().strip());
    }

    /** An editor offers what is behind each choice. */
    @Test
    void everyValueOfAChoiceHasAHintAndNoHintIsOfSomethingElse() {
        Map<String, JsonNode> hints = new HashMap<>();
        Metadata.read().path("hints").forEach(hint -> hints.put(hint.path("name").asText(), hint.path("values")));
        assertThat(Metadata.properties()).extracting(Metadata.Property::name).containsAll(hints.keySet());
        assertThat(Metadata.properties()).filteredOn(each -> !each.constants().isEmpty()).isNotEmpty()
                .allSatisfy(each -> {
                    assertThat(hints).containsKey(each.name());
                    assertThat(hints.get(each.name())).extracting(value -> value.path("value").asText())
                            .containsExactlyInAnyOrderElementsOf(each.constants());
                    assertThat(hints.get(each.name())).allSatisfy(
                            value -> assertThat(value.path("description").asText()).endsWith("."));
                });
    }
}
