// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.template;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/**
 * Templates in the manner of Llama 2 and 3, Mistral, Qwen 2, Gemma, Granite and ChatML, with tools, their calls and
 * results, and system messages, against what Jinja itself makes of them; see {@code make_expectations.py}.
 */
class FamilyTemplateTests {
    private static final Path DIRECTORY = Path.of("src/test/resources/templates/families");
    private static final ObjectMapper MAPPER = new ObjectMapper();

    static List<String> templates() throws IOException {
        try (Stream<Path> files = Files.list(DIRECTORY)) {
            return files.map(file -> file.getFileName().toString()).filter(name -> name.endsWith(".jinja")).sorted()
                    .toList();
        }
    }

    @ParameterizedTest
    @MethodSource("templates")
    void rendersAsJinjaDoes(String name) throws IOException {
        JinjaTemplate template = JinjaTemplate.parse(Files.readString(DIRECTORY.resolve(name)));
        List<JsonNode> expectations = StreamSupport
                .stream(MAPPER.readTree(DIRECTORY.resolve("expectations.json").toFile()).spliterator(), false)
                .filter(expectation -> expectation.path("template").asText().equals(name)).toList();
        assertThat(expectations).hasSize(36);
        for (JsonNode expectation : expectations) {
            Map<String, Object> variables = MAPPER.convertValue(expectation.path("variables"), new TypeReference<>() {
            });
            if (expectation.path("text").isNull()) {
                assertThatThrownBy(() -> template.render(variables)).as("%s", variables)
                        .isInstanceOf(ChatTemplateException.class);
            } else {
                assertThat(template.render(variables)).as("%s", variables)
                        .isEqualTo(expectation.path("text").asText());
            }
        }
    }
}
