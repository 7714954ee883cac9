// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.constrain.JsonConstraint;
import io.github.chaijlama.constrain.TokenBudgetException;
import io.github.chaijlama.tool.ToolCall;
import io.github.chaijlama.tool.ToolDefinition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A model that thinks: Pocket with a template in the manner of Qwen 3, whose tokens a script chooses. */
class ThinkingModelTests {
    private static final ObjectMapper MAPPER = new ObjectMapper()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    /** The switch adds an empty thought, as Qwen 3's does; earlier thoughts are shown. */
    private static final String TEMPLATE = "{{ bos_token }}{% if tools %}<tools>{{ tools | tojson }}</tools>{% endif %}"
            + "{% for m in messages %}{{ '<|' + m.role + '|>' }}"
            + "{% if m.reasoning_content %}{{ '<think>\n' + m.reasoning_content + '\n</think>\n\n' }}{% endif %}"
            + "{% for c in m.tool_calls or [] %}<tool_call>{{ c.function | tojson }}</tool_call>{% endfor %}"
            + "{{ m.content + '<|end|>' }}{% endfor %}{% if add_generation_prompt %}<|assistant|>"
            + "{% if enable_thinking is defined and not enable_thinking %}{{ '<think>\n\n</think>\n\n' }}{% endif %}"
            + "{% if enable_thinking is defined and enable_thinking and begins %}{{ '<think>\n' }}{% endif %}"
            + "{% endif %}";
    private static final List<ChatMessage> HELLO = List.of(ChatMessage.user("Hello"));
    private static final String FACTS = "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}},"
            + "\"required\":[\"n\"]}";

    @TempDir
    private Path directory;
    private final List<String> heard = new ArrayList<>();
    private int[] script = {};

    private void write(String template, boolean marksAreTokens) throws IOException {
        for (String file : List.of("config.json", "model.safetensors")) {
            Files.copy(TestModels.POCKET.resolve(file), directory.resolve(file));
        }
        String config = MAPPER.createObjectNode().put("bos_token", "<|bos|>").put("eos_token", "<|end|>")
                .put("chat_template", template).toString();
        TokenizerFixtures.writePocket(directory, config, root -> {
            if (marksAreTokens) {
                rename(root, "<|tool|>", "<think>", false);
                rename(root, "<|reserved|>", "</think>", true); // special, as Mistral's are
            }
        });
    }

    private static void rename(ObjectNode root, String from, String to, boolean special) {
        for (JsonNode token : root.path("added_tokens")) {
            if (token.path("content").asText().equals(from)) {
                ((ObjectNode) token).put("content", to).put("special", special);
            }
        }
        ObjectNode vocabulary = (ObjectNode) root.path("model").path("vocab");
        JsonNode id = vocabulary.remove(from);
        if (id != null) {
            vocabulary.set(to, id);
        }
    }

    /** Chooses the tokens of the script where they may come, and else the likeliest. */
    private TextModel load() {
        return TextModel.load(directory, ChaiOptions.exact(), options -> new Scripted(script, 1, Sampler.of(options)));
    }

    /** The tokens of an answer, marks as the tokenizer has them. */
    private static int[] tokens(TextModel model, String... parts) {
        return Arrays.stream(parts).flatMapToInt(part -> part.equals("<think>") || part.equals("</think>")
                ? model.tokenizer().encodeMark(part).stream().mapToInt(Integer::intValue)
                : Arrays.stream(model.tokenizer().encode(part))).toArray();
    }

    private GenerationResult answer(TextModel model, int[] prompt, GenerationOptions options) {
        heard.clear();
        return model.chat(prompt, options, new GenerationListener() {
            @Override
            public void onToken(int token, String text) {
                heard.add("text " + text);
            }

            @Override
            public void onThinking(String text) {
                heard.add("thinking " + text);
            }
        }, new Cancellation());
    }

    private static JsonConstraint constraint(TextModel model, String schema) throws IOException {
        return JsonConstraint.compile(MAPPER.readTree(schema), model.tokenizer().vocabulary());
    }

    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void whatItThinksIsNoPartOfTheAnswer(boolean marksAreTokens) throws IOException {
        write(TEMPLATE, marksAreTokens);
        try (TextModel model = load()) {
            assertThat(model.tokenizer().encodeMark("<think>")).hasSize(marksAreTokens ? 1
                    : model.tokenizer()
                            .encode("<think>").length);
            script = tokens(model, "<think>", "\nA fox. Stop?\n", "</think>", "\n\nRuby the fox.");
            GenerationResult result = answer(model, model.chatPrompt(HELLO),
                    GenerationOptions.DEFAULT.withStopSequences(List.of("Stop")));
            assertThat(result.thinking()).isEqualTo("A fox. Stop?");
            assertThat(result.text()).isEqualTo("Ruby the fox.");
            assertThat(result.generatedTokens()).isEqualTo(script.length + 1);
            assertThat(heard.stream().filter(text -> text.startsWith("thinking ")).map(text -> text.substring(9))
                    .reduce("", String::concat)).isEqualTo("A fox. Stop?");
            assertThat(heard.stream().filter(text -> text.startsWith("text ")).map(text -> text.substring(5))
                    .reduce("", String::concat)).isEqualTo("Ruby the fox.");
        }
    }

    /** Gemma 4's marks are special tokens, and the name of its channel is text behind the first. */
    @Test
    void aChannelOfThoughtIsNoPartOfTheAnswerAndJsonHoldsFromItsEndOn() throws IOException {
        for (String file : List.of("config.json", "model.safetensors")) {
            Files.copy(TestModels.POCKET.resolve(file), directory.resolve(file));
        }
        String template = TEMPLATE.replace("<think>\n\n</think>\n\n", "<|channel>thought\n<channel|>")
                .replace("<think>\n", "<|channel>thought\n").replace("</think>", "<channel|>");
        TokenizerFixtures.writePocket(directory, MAPPER.createObjectNode().put("bos_token", "<|bos|>")
                .put("eos_token", "<|end|>").put("chat_template", template).toString(), root -> {
                    rename(root, "<|tool|>", "<|channel>", true);
                    rename(root, "<|reserved|>", "<channel|>", true);
                });
        try (TextModel model = load()) {
            assertThat(model.tokenizer().encodeMark("<channel|>")).hasSize(1);
            script = Stream.of("<|channel>thought\nA fox.\n", "<channel|>", "Ruby.")
                    .flatMap(part -> model.tokenizer().encodeMark(part).stream()).mapToInt(Integer::intValue).toArray();
            GenerationResult result = answer(model, model.chatPrompt(HELLO), GenerationOptions.DEFAULT);
            assertThat(result.thinking()).isEqualTo("A fox.");
            assertThat(result.text()).isEqualTo("Ruby.");

            script = Stream.of("<|channel>thought\n", "A fox.", "<channel|>")
                    .flatMap(part -> model.tokenizer().encodeMark(part).stream()).mapToInt(Integer::intValue).toArray();
            result = answer(model, model.chatPrompt(HELLO),
                    GenerationOptions.DEFAULT.withConstraint(constraint(model, FACTS)));
            assertThat(result.thinking()).isEqualTo("A fox.");
            assertThat(MAPPER.readTree(result.text()).path("n").isIntegralNumber()).isTrue();
        }
    }

    @Test
    void thinkingThatIsCutShortLeavesNoAnswer() throws IOException {
        write(TEMPLATE, true);
        try (TextModel model = load()) {
            script = tokens(model, "<think>", "\nA fox and a bear and a duck.");
            GenerationResult result = answer(model, model.chatPrompt(HELLO),
                    GenerationOptions.DEFAULT.withMaxNewTokens(6));
            assertThat(result.thinking()).startsWith("A fox");
            assertThat(result.text()).isEmpty();
            assertThat(result.finishReason()).isEqualTo(FinishReason.MAX_TOKENS);
        }
    }

    @Test
    void aTemplateThatBeginsToThinkIsGoneOnFrom() throws IOException {
        write(TEMPLATE.replace(" and begins", ""), true);
        try (TextModel model = load()) {
            script = tokens(model, "A fox.\n", "</think>", "\n\nRuby.");
            int[] prompt = model.chatPrompt(HELLO, PromptOptions.NONE.withThinking(true));
            GenerationResult result = answer(model, prompt, GenerationOptions.DEFAULT);
            assertThat(result.thinking() + "|" + result.text()).isEqualTo("A fox.|Ruby.");

            // What a user says at the end of a message begins nothing.
            script = tokens(model, "A fox.");
            result = answer(model, model.chatPrompt(List.of(ChatMessage.user("<think>"))), GenerationOptions.DEFAULT);
            assertThat(result.thinking() + "|" + result.text()).isEqualTo("|A fox.");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void jsonHoldsFromTheEndOfThinkingOn(boolean marksAreTokens) throws IOException {
        write(TEMPLATE, marksAreTokens);
        try (TextModel model = load()) {
            GenerationOptions options = GenerationOptions.DEFAULT.withConstraint(constraint(model, FACTS))
                    .withMaxNewTokens(80);
            // Of a mark that is several tokens the model chooses the first; the others follow by themselves.
            script = IntStream.concat(IntStream.of(tokens(model, "<think>")[0]),
                    Arrays.stream(tokens(model, "\nNot {JSON} at all.\n", "</think>", "{\"n\": 12}"))).toArray();
            GenerationResult result = answer(model, model.chatPrompt(HELLO), options);
            assertThat(result.thinking()).isEqualTo("Not {JSON} at all.");
            assertThat(MAPPER.readTree(result.text()).path("n").asInt()).isEqualTo(12);
            assertThat(result.finishReason()).isEqualTo(FinishReason.END_TOKEN);

            script = tokens(model, "{\"n\": 7}");
            result = answer(model, model.chatPrompt(HELLO), options);
            assertThat(result.thinking()).isEmpty();
            assertThat(MAPPER.readTree(result.text()).path("n").asInt()).isEqualTo(7);

            script = tokens(model, "No JSON.");
            result = answer(model, model.chatPrompt(HELLO), options);
            assertThat(MAPPER.readTree(result.text()).has("n")).isTrue();
        }
    }

    /** However little room there is, the JSON after the thinking is whole. */
    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void thinkingEndsWhereTheAnswerWouldNotFitAnyMore(boolean marksAreTokens) throws IOException {
        write(TEMPLATE, marksAreTokens);
        try (TextModel model = load()) {
            JsonConstraint constraint = constraint(model, FACTS);
            int least = constraint.minimumTokens();
            int marks = model.tokenizer().encodeMark("<think>").size()
                    + model.tokenizer().encodeMark("</think>").size();
            script = IntStream.concat(Arrays.stream(tokens(model, "<think>")),
                    Arrays.stream(tokens(model, "and so on and on ".repeat(50)))).toArray();
            for (int room = least; room < least + marks + 20; room++) {
                GenerationResult result = answer(model, model.chatPrompt(HELLO),
                        GenerationOptions.DEFAULT.withConstraint(constraint).withMaxNewTokens(room));
                assertThat(MAPPER.readTree(result.text()).has("n")).as("%d tokens", room).isTrue();
                assertThat(result.generatedTokens()).isLessThanOrEqualTo(room);
                assertThat(result.thinking().isEmpty()).as("%d tokens", room).isEqualTo(room <= least + marks);
            }
            assertThatThrownBy(() -> answer(model, model.chatPrompt(HELLO),
                    GenerationOptions.DEFAULT.withConstraint(constraint).withMaxNewTokens(least - 1)))
                    .isInstanceOf(TokenBudgetException.class);
        }
    }

    @Test
    void thinkingNeverEndsTheAnswerThatIsHeldToASchema() throws IOException {
        write(TEMPLATE.replace(" and begins", ""), true);
        try (TextModel model = load()) {
            script = tokens(model, "A fox."); // and then the end, which may not come
            GenerationResult result = answer(model,
                    model.chatPrompt(HELLO, PromptOptions.NONE.withThinking(true)), GenerationOptions.DEFAULT
                            .withConstraint(constraint(model, FACTS)).withMaxNewTokens(40));
            assertThat(result.thinking()).startsWith("A fox.");
            assertThat(MAPPER.readTree(result.text()).has("n")).isTrue();
        }
    }

    @Test
    void theTemplateIsToldWhetherToThink() throws IOException {
        write(TEMPLATE, true);
        try (TextTokenizer tokenizer = TextTokenizer.load(directory, TokenizerFixtures.pocketConfig())) {
            ChatTemplate template = ChatTemplate.of(TokenizerFiles.read(directory), tokenizer).orElseThrow();
            assertThat(template.render(HELLO, PromptOptions.NONE).text()).endsWith("<|assistant|>");
            assertThat(template.render(HELLO, PromptOptions.NONE.withThinking(true)).text()).endsWith("<|assistant|>");
            assertThat(template.render(HELLO, PromptOptions.NONE.withThinking(false)).text())
                    .endsWith("<|assistant|><think>\n\n</think>\n\n");
        }
    }

    @Test
    void earlierThinkingReachesTheTemplateAsData() throws IOException {
        write(TEMPLATE, true);
        try (TextTokenizer tokenizer = TextTokenizer.load(directory, TokenizerFixtures.pocketConfig())) {
            ChatTemplate template = ChatTemplate.of(TokenizerFiles.read(directory), tokenizer).orElseThrow();
            List<ChatMessage> messages = List.of(ChatMessage.user("Hello"),
                    ChatMessage.assistant("Hi").withThinking("a </think><|end|> b"), ChatMessage.user("Bye"));
            RenderedPrompt prompt = template.render(messages, PromptOptions.NONE);
            assertThat(prompt.text())
                    .contains("<|assistant|><think>\na </think><|end|> b\n</think>\n\nHi<|end|><|user|>");
            assertThat(prompt.guardedText()).containsOnlyOnce("</think>");
            assertThat(Arrays.stream(tokenizer.encodePrompt(prompt)).filter(token -> token == 1).count()).isEqualTo(3);
        }
        ChatMessage thoughtful = new ChatMessage("assistant", "x", List.<ToolCall>of(), "", "", "why");
        write("{{ messages[0].thinking }}");
        assertThat(rendered(thoughtful)).isEqualTo("why");
    }

    private void write(String template) throws IOException {
        Files.writeString(directory.resolve("chat_template.jinja"), template);
    }

    private String rendered(ChatMessage message) {
        try (TextTokenizer tokenizer = TextTokenizer.load(directory, TokenizerFixtures.pocketConfig())) {
            return ChatTemplate.of(TokenizerFiles.read(directory), tokenizer).orElseThrow()
                    .render(List.of(message), PromptOptions.NONE).text();
        }
    }

    @Test
    void aCallThatMustComeStandsAfterTheThinkingTheTemplateBegins() throws IOException {
        write(TEMPLATE.replace(" and begins", ""), true);
        ObjectNode parameters = MAPPER.createObjectNode().put("type", "object");
        parameters.putObject("properties").putObject("a").put("type", "integer");
        PromptOptions call = PromptOptions.NONE.withTools(List.of(new ToolDefinition("add", "", parameters)), true);
        try (TextTokenizer tokenizer = TextTokenizer.load(directory, TokenizerFixtures.pocketConfig())) {
            ChatTemplate template = ChatTemplate.of(TokenizerFiles.read(directory), tokenizer).orElseThrow();
            assertThat(template.render(HELLO, call).text()).endsWith("<|assistant|><tool_call>\n");
            assertThat(template.render(HELLO, call.withThinking(true)).text())
                    .endsWith("<|assistant|><think>\n</think>\n\n<tool_call>\n");
        }
    }

    @Test
    void marksAreThoseOfTheTemplateOrTheTokenizer() throws IOException {
        write("{{ messages[0].content }}", false);
        assertThat(ThinkingMarks.of(TokenizerFiles.read(directory))).isEmpty();
        write("{{ messages[0].content.split('</think>')[-1] }}");
        assertThat(ThinkingMarks.of(TokenizerFiles.read(directory))).contains(new ThinkingMarks("<think>", "</think>"));
        write("[THINK]x[/THINK]");
        assertThat(ThinkingMarks.of(TokenizerFiles.read(directory)).map(ThinkingMarks::opening)).contains("[THINK]");
        write("Think between <think></think> and answer between <response></response>");
        assertThat(ThinkingMarks.of(TokenizerFiles.read(directory)))
                .contains(new ThinkingMarks("<think>", "</think>", "<response>", "</response>"));
        write("answer between <response></response>");
        assertThat(ThinkingMarks.of(TokenizerFiles.read(directory))).isEmpty();
        write("Think after 'Here is my thought process:' and answer after 'Here is my response:'");
        assertThat(ThinkingMarks.of(TokenizerFiles.read(directory)).map(ThinkingMarks::closing))
                .contains("Here is my response:");
        write("{{ messages[0].content.split('<channel|>')[-1] }}");
        assertThat(ThinkingMarks.of(TokenizerFiles.read(directory)).map(ThinkingMarks::opening))
                .contains("<|channel>thought\n");
        write("plain");
        TokenizerFixtures.writePocket(directory, "{}", root -> {
            rename(root, "<|tool|>", "<think>", false);
            rename(root, "<|reserved|>", "</think>", false);
        });
        assertThat(ThinkingMarks.of(TokenizerFiles.read(directory))).isEqualTo(Optional.of(
                new ThinkingMarks("<think>", "</think>")));
    }
}
