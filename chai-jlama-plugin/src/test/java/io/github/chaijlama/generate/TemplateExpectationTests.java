// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.chaijlama.TestModels;
import io.github.chaijlama.template.ChatTemplateException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Templates rendered by Jinja itself, with the settings of Hugging Face; see {@code make_expectations.py}. */
class TemplateExpectationTests {
    private static final Path TEMPLATES = Path.of("src/test/resources/templates");
    private static TextTokenizer tokenizer;
    private static TokenizerFiles files;
    private static JsonNode expectations;

    @BeforeAll
    static void load() {
        tokenizer = TokenizerFixtures.pocket();
        files = TokenizerFiles.read(TestModels.POCKET);
        expectations = expectations();
    }

    @AfterAll
    static void close() {
        tokenizer.close();
    }

    private static JsonNode expectations() {
        try {
            return new ObjectMapper().readTree(TEMPLATES.resolve("expectations.json").toFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Stream<String> templates() {
        return StreamSupport.stream(expectations().path("templates").spliterator(), false)
                .map(expectation -> expectation.path("template").asText()).distinct();
    }

    static Stream<String> snippets() {
        return StreamSupport.stream(expectations().path("snippets").spliterator(), false)
                .map(expectation -> expectation.path("template").asText());
    }

    static Stream<String> unsupported() throws IOException {
        return Files.readAllLines(TEMPLATES.resolve("unsupported.txt")).stream()
                .filter(line -> !line.startsWith("//"));
    }

    private static ChatTemplate template(String source) {
        return ChatTemplate.of(new TokenizerFiles(files.directory(), files.tokenizer(), files.config(),
                TemplateSources.of(source)), tokenizer).orElseThrow();
    }

    private static List<ChatMessage> conversation(String name) {
        List<ChatMessage> messages = new ArrayList<>();
        for (JsonNode message : expectations.path("conversations").path(name)) {
            messages.add(new ChatMessage(message.path("role").asText(), message.path("content").asText()));
        }
        return messages;
    }

    private static void check(String source, String conversation, JsonNode expectation) {
        ChatTemplate template = template(source);
        boolean startAnswer = expectation.path("startAnswer").asBoolean(true);
        if (expectation.has("text")) {
            assertThat(template.render(conversation(conversation), startAnswer).text()).as(conversation)
                    .isEqualTo(expectation.path("text").asText());
        } else {
            assertThatThrownBy(() -> template.render(conversation(conversation), startAnswer))
                    .as("Jinja says: " + expectation.path("error").asText()).isInstanceOf(ChatTemplateException.class);
        }
    }

    @ParameterizedTest
    @MethodSource("templates")
    void templatesAreRenderedAsJinjaDoes(String name) throws IOException {
        String source = Files.readString(TEMPLATES.resolve(name + ".jinja"));
        int checked = 0;
        for (JsonNode expectation : expectations.path("templates")) {
            String conversation = expectation.path("conversation").asText();
            // A part of a text that spells control tokens counts the guard characters between its own.
            boolean countsGuards = name.equals("methods") && conversation.equals("control");
            if (expectation.path("template").asText().equals(name) && !countsGuards) {
                for (String lineEnd : List.of("\n", "\r\n", "\r")) {
                    check(source.replace("\n", lineEnd), conversation, expectation);
                }
                checked++;
            }
        }
        assertThat(checked).isGreaterThanOrEqualTo(18);
    }

    @ParameterizedTest
    @MethodSource("snippets")
    void expressionsMeanWhatTheyMeanInJinja(String snippet) {
        for (JsonNode expectation : expectations.path("snippets")) {
            if (expectation.path("template").asText().equals(snippet)) {
                check(snippet, "several", expectation);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("unsupported")
    void whatIsNotSupportedIsAnErrorAndNoText(String snippet) {
        ChatTemplate template = template(snippet);
        assertThatThrownBy(() -> template.render(conversation("several"), true))
                .isInstanceOf(ChatTemplateException.class).hasMessageStartingWith("the model's chat template ");
    }

    @Test
    void errorsNameTheLine() {
        String start = "{#- a\ncomment -#}\n\n\n{%- set x = 1 -%}\n\n";
        for (String mistake : List.of("{{ x | nothing }}", "{% if x %}", "{{ x", "{# x", "{{ }}", "{{ x.y.z }}",
                "{% for y in x %}{% endfor %}")) {
            ChatTemplate template = template(start + mistake);
            assertThatThrownBy(() -> template.render(conversation("one"), true)).as(mistake)
                    .isInstanceOf(ChatTemplateException.class).hasMessageContaining("cannot be rendered (line 7): ");
        }
    }

    @Test
    void aTemplateRendersInManyThreadsAtOnce() throws Exception {
        List<Callable<Void>> tasks = new ArrayList<>();
        for (JsonNode expectation : expectations.path("templates")) {
            String name = expectation.path("template").asText();
            if (name.equals("thoughts") || name.equals("namespaces")) {
                tasks.add(() -> {
                    check(Files.readString(TEMPLATES.resolve(name + ".jinja")),
                            expectation.path("conversation").asText(), expectation);
                    return null;
                });
            }
        }
        try (ExecutorService executor = Executors.newFixedThreadPool(8)) {
            for (int round = 0; round < 5; round++) {
                for (Future<Void> task : executor.invokeAll(tasks)) {
                    task.get();
                }
            }
        }
    }
}
