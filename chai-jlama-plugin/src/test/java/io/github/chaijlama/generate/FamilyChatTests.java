// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.chaijlama.TestModels;
import io.github.chaijlama.template.ChatTemplateException;
import io.github.chaijlama.tool.ToolCall;
import io.github.chaijlama.tool.ToolDefinition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/**
 * Whole conversations, with tools, their calls and results, and thinking, in the templates of the families that the
 * plugin runs, byte for byte as transformers' {@code apply_chat_template} renders them; see
 * {@code make_expectations.py} in {@code templates/chats}.
 */
class FamilyChatTests {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final Path DIRECTORY = Path.of("src/test/resources/templates/chats");
    private static final Map<String, String> DATES = Map.of("%d %B %Y", "dd MMMM yyyy", "%B %d, %Y", "MMMM dd, yyyy",
            "%d %b %Y", "dd MMM yyyy", "%Y-%m-%d", "yyyy-MM-dd");
    private static JsonNode expectations;
    private static TokenizerFiles files;
    private static TextTokenizer tokenizer;

    @BeforeAll
    static void load() throws IOException {
        expectations = MAPPER.readTree(DIRECTORY.resolve("expectations.json").toFile());
        files = TokenizerFiles.read(TestModels.POCKET);
        tokenizer = TokenizerFixtures.pocket();
    }

    @AfterAll
    static void close() {
        tokenizer.close();
    }

    static List<String> families() throws IOException {
        List<String> families = new ArrayList<>();
        MAPPER.readTree(DIRECTORY.resolve("expectations.json").toFile()).path("families").fieldNames()
                .forEachRemaining(families::add);
        return families;
    }

    private static ChatTemplate template(String family) throws IOException {
        JsonNode tokens = expectations.path("families").path(family);
        ObjectNode config = MAPPER.createObjectNode();
        config.set("bos_token", tokens.path("bos"));
        config.set("eos_token", tokens.path("eos"));
        // The form of Phi's calls stands in its tokenizer only.
        ObjectNode json = files.tokenizer().deepCopy();
        if (family.equals("phi4_mini")) {
            json.withArray("added_tokens").addObject().put("id", 2000).put("content", "<|tool_call|>");
            json.withArray("added_tokens").addObject().put("id", 2001).put("content", "<|/tool_call|>");
        }
        return ChatTemplate.of(new TokenizerFiles(files.directory(), json, config,
                TemplateSources.of(Files.readString(DIRECTORY.resolve(family + ".jinja")))), tokenizer).orElseThrow();
    }

    private static ChatMessage message(JsonNode message) {
        List<ToolCall> calls = new ArrayList<>();
        for (JsonNode call : message.path("tool_calls")) {
            calls.add(new ToolCall(call.path("id").asText(), call.path("function").path("name").asText(),
                    call.path("function").path("arguments_text").asText()));
        }
        return new ChatMessage(message.path("role").asText(), message.path("content").asText(), calls,
                message.path("tool_call_id").asText(), message.path("name").asText(),
                message.path("thinking").asText());
    }

    private static List<ChatMessage> conversation(String name) {
        List<ChatMessage> messages = new ArrayList<>();
        expectations.path("conversations").path(name).forEach(message -> messages.add(message(message)));
        assertThat(messages).as(name).isNotEmpty();
        return messages;
    }

    private static List<ToolDefinition> tools() {
        List<ToolDefinition> tools = new ArrayList<>();
        for (JsonNode tool : expectations.path("tools")) {
            JsonNode function = tool.path("function");
            tools.add(new ToolDefinition(function.path("name").asText(), function.path("description").asText(),
                    function.path("parameters")));
        }
        return tools;
    }

    private static String render(ChatTemplate template, JsonNode request) {
        List<ChatMessage> messages = conversation(request.path("conversation").asText());
        if (!request.path("start").asBoolean()) {
            return template.render(messages, false).text();
        }
        PromptOptions options = PromptOptions.NONE
                .withTools(request.path("tools").asBoolean() ? tools() : List.of(), false);
        JsonNode thinking = request.path("thinking");
        return template.render(messages, thinking.isNull() ? options : options.withThinking(thinking.asBoolean()))
                .text();
    }

    private static String dated(String text, LocalDate today) {
        String dated = text;
        for (Map.Entry<String, String> format : DATES.entrySet()) {
            dated = dated.replace("{today:" + format.getKey() + "}",
                    DateTimeFormatter.ofPattern(format.getValue(), Locale.ENGLISH).format(today));
        }
        return dated;
    }

    @ParameterizedTest
    @MethodSource("families")
    void conversationsAreRenderedAsHuggingFaceDoes(String family) throws IOException {
        ChatTemplate template = template(family);
        int compared = 0;
        for (JsonNode request : expectations.path("families").path(family).path("requests")) {
            String name = family + ": " + request.path("conversation") + request.path("tools")
                    + request.path("thinking");
            if (request.path("text").isNull()) {
                assertThatThrownBy(() -> render(template, request)).as(name).isInstanceOf(ChatTemplateException.class);
                continue;
            }
            LocalDate before = LocalDate.now();
            String text = render(template, request);
            LocalDate after = LocalDate.now(); // the day may end meanwhile
            assertThat(text).as(name).isIn(dated(request.path("text").asText(), before),
                    dated(request.path("text").asText(), after));
            compared++;
        }
        assertThat(compared).isPositive();
    }

    @ParameterizedTest
    @MethodSource("families")
    void toolsAreRefusedWhereATemplateHasNoPlaceForThem(String family) throws IOException {
        ChatTemplate template = template(family);
        boolean knowsTools = !List.of("gemma2", "gemma3", "olmo2", "phi3", "phi4").contains(family);
        assertThat(template.acceptsTools()).isEqualTo(knowsTools);
        if (!knowsTools) {
            List<ChatMessage> messages = List.of(ChatMessage.user("Hello"));
            assertThatThrownBy(() -> template.renderTools(messages, tools(), false))
                    .isInstanceOf(ChatTemplateException.class)
                    .hasMessage("the model's chat template has no place for tools");
        }
    }

    /** gpt-oss's template takes one of both; what a model says and thinks before a call is kept all the same. */
    @Test
    void textAndThinkingBeforeACallAreShownTogether() throws IOException {
        ChatMessage call = ChatMessage.assistant("I shall see.", List.of(new ToolCall("1", "now", "{}")))
                .withThinking("What time is it?");
        String text = template("gpt_oss").render(List.of(ChatMessage.user("When?"), call,
                ChatMessage.toolResult("1", "now", "10:14")), PromptOptions.NONE).text();
        assertThat(text).contains("<|start|>assistant<|channel|>analysis<|message|>What time is it?\n\nI shall see."
                + "<|end|><|start|>assistant to=functions.now<|channel|>commentary json<|message|>{}<|call|>");
    }

    @Test
    void noFamilyWithATemplateIsLeftOut() throws IOException {
        try (var templates = Files.list(DIRECTORY)) {
            assertThat(templates.map(file -> file.getFileName().toString()).filter(name -> name.endsWith(".jinja"))
                    .map(name -> name.substring(0, name.length() - 6))).containsExactlyInAnyOrderElementsOf(families());
        }
        assertThat(families()).hasSizeGreaterThanOrEqualTo(18);
    }
}
