// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.TestModels;
import io.github.chaijlama.template.ChatTemplateException;
import io.github.chaijlama.tool.ToolCallFormat;
import io.github.chaijlama.tool.ToolDefinition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Models with several chat templates: which one a request gets, as transformers 5.18 chooses. */
class NamedTemplateTests {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final String PLAIN = "{% for m in messages %}{{ '<|'+m.role+'|>'+m.content+'<|end|>' }}{% endfor %}"
            + "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";
    private static final List<ChatMessage> HELLO = List.of(ChatMessage.user("Hello"));
    private static TextTokenizer tokenizer;

    @TempDir
    private Path directory;

    @BeforeAll
    static void load() {
        tokenizer = TokenizerFixtures.pocket();
    }

    @AfterAll
    static void close() {
        tokenizer.close();
    }

    private static List<ToolDefinition> tools() {
        ObjectNode parameters = MAPPER.createObjectNode().put("type", "object");
        parameters.putObject("properties").putObject("a").put("type", "integer");
        return List.of(new ToolDefinition("add", "Adds.", parameters));
    }

    /** Writes Pocket's tokenizer with these templates in its configuration: name, template, name, template. */
    private void write(String... templates) throws IOException {
        ObjectNode config = MAPPER.createObjectNode().put("bos_token", "<|bos|>").put("eos_token", "<|end|>");
        for (int i = 0; i < templates.length; i += 2) {
            config.withArray("chat_template").addObject().put("name", templates[i]).put("template", templates[i + 1]);
        }
        TokenizerFixtures.writePocket(directory, config.toString(), root -> {});
    }

    private void add(String file, String template) throws IOException {
        Path path = directory.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, template);
    }

    private ChatTemplate template() {
        return ChatTemplate.of(TokenizerFiles.read(directory), tokenizer).orElseThrow();
    }

    private String rendered(List<ToolDefinition> tools) {
        return template().renderTools(HELLO, tools, false).text();
    }

    @Test
    void aRequestWithToolsGetsTheTemplateForThem() throws Exception {
        String pockets = MAPPER.readTree(TestModels.POCKET.resolve("tokenizer_config.json").toFile())
                .path("chat_template").textValue();
        write("default", PLAIN, "tool_use", pockets);
        assertThat(template().acceptsTools()).isTrue();
        assertThat(rendered(tools())).contains("<|tool|>add(a)\n<|end|><|user|>Hello<|end|><|assistant|>");
        assertThat(rendered(List.of())).isEqualTo("<|user|>Hello<|end|><|assistant|>");
        assertThat(ChatTemplate.existsIn(directory)).isTrue();
    }

    @Test
    void theFormOfCallsIsThatOfTheTemplateForTools() throws Exception {
        write("default", PLAIN, "tool_use", "{{ tools }}<tool_call>");
        assertThat(template().toolCallFormat()).isEqualTo(ToolCallFormat.HERMES);
    }

    @Test
    void filesOfTemplatesStandForThoseOfTheConfiguration() throws Exception {
        write("default", "config", "tool_use", "config {{ tools }}");
        add("chat_template.jinja", "file");
        assertThat(rendered(List.of())).isEqualTo("file");
        assertThat(template().acceptsTools()).isFalse();

        add("additional_chat_templates/tool_use.jinja", "file with {{ tools[0].function.name }}");
        add("additional_chat_templates/rag.jinja", "not for us");
        add("additional_chat_templates/notes.txt", "no template");
        assertThat(rendered(List.of())).isEqualTo("file");
        assertThat(rendered(tools())).isEqualTo("file with add");
        assertThat(TokenizerFiles.read(directory).templates().names()).containsExactly("default", "rag", "tool_use");
    }

    @Test
    void aFileForToolsAloneLeavesTheDefaultOfTheConfiguration() throws Exception {
        write("default", "config");
        add("additional_chat_templates/tool_use.jinja", "file with {{ tools[0].function.name }}");
        assertThat(rendered(List.of())).isEqualTo("config");
        assertThat(rendered(tools())).isEqualTo("file with add");
    }

    @Test
    void withoutADefaultTheNamesAreSaid() throws Exception {
        write("rag", "a", "tool_use", "{{ tools[0].function.name }}");
        assertThat(rendered(tools())).isEqualTo("add");
        assertThatThrownBy(() -> rendered(List.of())).isInstanceOf(ChatTemplateException.class)
                .hasMessage("the model has no chat template named 'default', for requests without tools; its "
                        + "templates are rag, tool_use");
        write("rag", "a");
        assertThat(ChatTemplate.existsIn(directory)).isFalse();
        write();
        assertThat(ChatTemplate.existsIn(directory)).isFalse();
    }

    @Test
    void markersOfEitherTemplateAreNoText() throws Exception {
        ObjectNode config = MAPPER.createObjectNode().put("eos_token", "<|end|>");
        config.withArray("chat_template").addObject().put("name", "default").put("template", PLAIN);
        config.withArray("chat_template").addObject().put("name", "tool_use").put("template", "<tools>{{ tools }}");
        TokenizerFixtures.writePocket(directory, config.toString(), root -> {
            TokenizerFixtures.addToken(root, 1024, "<tools>", false);
            TokenizerFixtures.addToken(root, 1025, "<other>", false);
        });
        try (TextTokenizer own = TextTokenizer.load(directory, TokenizerFixtures.pocketConfig())) {
            assertThat(own.controlTokens().texts()).contains("<tools>").doesNotContain("<other>");
        }
    }
}
