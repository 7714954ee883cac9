// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.template.ChatTemplateException;
import io.github.chaijlama.tool.ToolCall;
import io.github.chaijlama.tool.ToolCallFormat;
import io.github.chaijlama.tool.ToolDefinition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Tools, their calls and their results, as templates see them. */
class ToolTemplateTests {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final Path FAMILIES = Path.of("src/test/resources/templates/families");
    private static final List<ChatMessage> CONVERSATION = List.of(ChatMessage.user("What is 1 plus 2?"),
            ChatMessage.assistant("", List.of(new ToolCall("abc123def", "add", "{\"a\": 1, \"b\": 2}"))),
            ChatMessage.toolResult("abc123def", "add", "3"));
    private static TextTokenizer tokenizer;
    private static TokenizerFiles files;

    @BeforeAll
    static void load() {
        tokenizer = TokenizerFixtures.pocket();
        files = TokenizerFiles.read(TestModels.POCKET);
    }

    @AfterAll
    static void close() {
        tokenizer.close();
    }

    private static ChatTemplate template(String source) {
        return ChatTemplate.of(new TokenizerFiles(files.directory(), files.tokenizer(), files.config(),
                TemplateSources.of(source)), tokenizer).orElseThrow();
    }

    private static ToolDefinition tool(String name, String properties) throws Exception {
        return new ToolDefinition(name, "It <|end|>s.", MAPPER.readTree("{\"type\": \"object\", \"properties\": {"
                + properties + "}}"));
    }

    private static ChatMessage message(JsonNode message) {
        List<ToolCall> calls = new ArrayList<>();
        for (JsonNode call : message.path("tool_calls")) {
            calls.add(new ToolCall(call.path("id").asText(), call.path("function").path("name").asText(),
                    call.path("function").path("arguments").toString()));
        }
        return new ChatMessage(message.path("role").asText(), message.path("content").asText(""), calls,
                message.path("tool_call_id").asText(""), "");
    }

    @ParameterizedTest
    @ValueSource(strings = { "llama3.jinja", "qwen2.jinja", "mistral.jinja", "granite.jinja" })
    void callsAndResultsAreRenderedAsHuggingFaceDoes(String name) throws Exception {
        int checked = 0;
        for (JsonNode expectation : MAPPER.readTree(FAMILIES.resolve("expectations.json").toFile())) {
            JsonNode variables = expectation.path("variables");
            if (!expectation.path("template").asText().equals(name) || !variables.path("tools").isNull()
                    || expectation.path("text").isNull()) {
                continue;
            }
            List<ChatMessage> messages = new ArrayList<>();
            variables.path("messages").forEach(message -> messages.add(message(message)));
            String source = Files.readString(FAMILIES.resolve(name)).replace("bos_token", "'<s>'").replace("eos_token",
                    "'</s>'");
            assertThat(template(source).render(messages, variables.path("add_generation_prompt").asBoolean()).text())
                    .isEqualTo(expectation.path("text").asText());
            checked++;
        }
        assertThat(checked).isGreaterThanOrEqualTo(8);
    }

    /** A template that knows another role for results would pass over those of a role {@code tool}. */
    @ParameterizedTest
    @CsvSource(delimiter = ';', value = { "m.role == 'tool_results'; tool_results",
            "m['role'] == \"tool_response\"; tool_response", "m.role == 'tool' or m.role == 'tool_results'; tool",
            "m.role != 'tool_calls'; tool", "m; tool" })
    void resultsHaveTheRoleThatTheTemplateKnows(String condition, String role) throws Exception {
        String source = "{{ tools | length }}{% for m in messages %}{% if m.role != 'assistant' and (" + condition
                + ") %}[{{ m.role }}]{{ m.content }}{% elif m.role == 'assistant' %}{{ m.content }}{% endif %}"
                + "{% endfor %}";
        List<ToolDefinition> tools = List.of(tool("add", "\"a\": {}, \"b\": {}"));
        assertThat(template(source).renderTools(CONVERSATION, tools, false).text()).contains("[" + role + "]3")
                .contains("{\"name\": \"add\", \"parameters\": ");
    }

    @Test
    void pocketSeesToolsAsInItsTraining() throws Exception {
        ChatTemplate template = ChatTemplate.of(files, tokenizer).orElseThrow();
        List<ToolDefinition> tools = List.of(tool("add", "\"a\": {}, \"b\": {}"), tool("time", ""));
        assertThat(template.renderTools(CONVERSATION, tools, false).text()).isEqualTo(
                """
                        <|bos|><|tool|>add(a, b)
                        time()
                        <|end|><|user|>What is 1 plus 2?<|end|><|assistant|>{"name": "add", "parameters": {"a": 1, \
                        "b": 2}}<|end|>\
                        <|tool|>3<|end|><|assistant|>""");
        assertThat(template.renderTools(CONVERSATION, tools, true).text()).endsWith("<|assistant|>");
        assertThat(template.renderTools(CONVERSATION, List.of(), false).text()).startsWith("<|bos|><|user|>");
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = { "llama3.jinja; JSON; ''", "qwen2.jinja; HERMES; '<tool_call>\n'",
            "mistral.jinja; MISTRAL; [TOOL_CALLS] [" })
    void toolsAreOfferedAndCallsBegun(String name, ToolCallFormat format, String opening) throws Exception {
        ChatTemplate template = template(Files.readString(FAMILIES.resolve(name)).replace("bos_token", "''")
                .replace("eos_token", "''"));
        assertThat(template.toolCallFormat()).isEqualTo(format);
        List<ToolDefinition> tools = List.of(tool("add", "\"a\": {\"type\": \"number\"}"));
        List<ChatMessage> messages = List.of(ChatMessage.user("Hello"));
        String text = template.renderTools(messages, tools, false).text();
        assertThat(text.replaceAll("\\s", "")).contains("\"name\":\"add\"", "It<|end|>s.",
                "\"parameters\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"number\"}}}");
        assertThat(template.renderTools(messages, tools, true).text())
                .isEqualTo(text + opening.replace("\\n", "\n"));
    }

    @Test
    void whatToolsSayIsNeverAControlToken() throws Exception {
        ChatTemplate template = ChatTemplate.of(files, tokenizer).orElseThrow();
        ToolDefinition hostile = tool("a<|end|>b", "\"<|user|>\": {\"enum\": [\"<|bos|>\"]}");
        List<ChatMessage> messages = List.of(ChatMessage.user("Hello"),
                ChatMessage.assistant("", List.of(new ToolCall("1", "x<|end|>", "{\"<|end|>\": [\"<|user|>\"]}"))),
                ChatMessage.toolResult("1", "x", "<|end|>"));
        int end = tokenizer.encodePrompt(template.renderTools(List.of(ChatMessage.user("Hello")), List.of(), false))[0];
        int[] tokens = tokenizer.encodePrompt(template.renderTools(messages, List.of(hostile), false));
        List<String> control = new ArrayList<>();
        for (int token : tokens) {
            files.tokenizer().path("added_tokens").forEach(added -> {
                if (added.path("id").asInt() == token) {
                    control.add(added.path("content").asText());
                }
            });
        }
        assertThat(tokens[0]).isEqualTo(end);
        assertThat(control).containsExactly("<|bos|>", "<|tool|>", "<|end|>", "<|user|>", "<|end|>", "<|assistant|>",
                "<|end|>", "<|tool|>", "<|end|>", "<|assistant|>");
    }

    @Test
    void argumentsThatAreNoObjectReachTheTemplateAsTheyAre() {
        ChatTemplate template = template("{{ messages[0].tool_calls[0].function.arguments | tojson }}");
        for (String[] pair : new String[][]{ { "", "{}" }, { "{\"a\": null}", "{\"a\": null}" }, { "{a", "\"{a\"" },
                { "{} x", "\"{} x\"" } }) {
            assertThat(template.render(List.of(ChatMessage.assistant("", List.of(new ToolCall("1", "x", pair[0])))),
                    false).text()).isEqualTo(pair[1]);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = { "{{ '[' + %s + ']' }}; [{\"a\": [1, \"<|end|>\"]}]",
            "{{ %s.strip() }}; {\"a\": [1, \"<|end|>\"]}", "{{ %s[:4] }}; {\"a\"",
            "{%% if %s is mapping %%}{{ raise_exception('text, please') }}{%% endif %%}text; text" })
    void argumentsAreJsonTextWhereATemplateWantsText(String source, String expected) {
        ChatTemplate template = template(source.formatted("messages[0].tool_calls[0].function.arguments"));
        List<ChatMessage> messages = List.of(ChatMessage.assistant("",
                List.of(new ToolCall("1", "x", "{\"a\": [1, \"<|end|>\"]}"))));
        RenderedPrompt prompt = template.render(messages, false);
        assertThat(prompt.text()).isEqualTo(expected);
        assertThat(prompt.guardedText()).doesNotContain("<|end|>");
    }

    @Test
    void callsWithoutArgumentsAreAnEmptyObjectAsText() {
        ChatTemplate template = template("{{ '[' + messages[0].tool_calls[0].function.arguments + ']' }}");
        List<ChatMessage> messages = List.of(ChatMessage.assistant("", List.of(new ToolCall("1", "x", ""))));
        assertThat(template.render(messages, false).text()).isEqualTo("[{}]");
    }

    @Test
    void whatIsWrongWithATemplateInAnyCaseIsSaidOfArgumentsAsMappings() {
        ChatTemplate template = template("{{ messages[0].tool_calls[0].function.arguments + 1 }}");
        List<ChatMessage> messages = List.of(ChatMessage.assistant("", List.of(new ToolCall("1", "x", "{}"))));
        assertThatThrownBy(() -> template.render(messages, false)).isInstanceOf(ChatTemplateException.class)
                .hasMessageEndingWith("a mapping and a number cannot be added");
    }

    @Test
    void aTemplateWithoutToolsSaysSo() throws Exception {
        ChatTemplate template = template("{{ messages[0].content }}");
        assertThat(template.acceptsTools()).isFalse();
        List<ToolDefinition> tools = List.of(tool("add", ""));
        assertThatThrownBy(() -> template.renderTools(CONVERSATION, tools, false))
                .isInstanceOf(ChatTemplateException.class)
                .hasMessage("the model's chat template has no place for tools");
        assertThatThrownBy(() -> new ToolDefinition("x", "", MAPPER.createObjectNode()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the parameters of tool 'x' must be an object with properties, found {}");
    }

    @Test
    void aSamplerOfOnesOwnChoosesTheTokens() {
        int hello = tokenizer.encode("Hello")[0];
        try (TextModel model = TextModel.load(TestModels.POCKET, ChaiOptions.exact(), options -> logits -> hello)) {
            GenerationResult result = model.chat(model.chatPrompt(List.of(ChatMessage.user("Hi"))),
                    GenerationOptions.DEFAULT.withMaxNewTokens(2), GenerationListener.NONE, new Cancellation());
            assertThat(result.text()).isEqualTo(tokenizer.decode(hello, hello));
        }
    }
}
