// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.constrain.AnswerForm;
import io.github.chaijlama.constrain.JsonConstraint;
import io.github.chaijlama.tool.ToolCall;
import io.github.chaijlama.tool.ToolCallFormat;
import io.github.chaijlama.tool.ToolCallListener;
import io.github.chaijlama.tool.ToolCallParser;
import io.github.chaijlama.tool.ToolDefinition;

import static org.assertj.core.api.Assertions.assertThat;

/** The channels of gpt-oss: thinking, answers and calls, free and held to a schema. */
class HarmonyTests {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final List<ChatMessage> HELLO = List.of(ChatMessage.user("Hello <|channel|>"));
    private static final String FACTS = "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}},"
            + "\"required\":[\"n\"]}";

    @TempDir
    private static Path directory;
    private static TextModel model;
    private static String script = "";

    @BeforeAll
    static void load() throws IOException {
        HarmonyFixture.write(directory);
        model = TextModel.load(directory, ChaiOptions.exact(),
                options -> new Scripted(HarmonyFixture.tokens(model.tokenizer(), script),
                        model.tokenizer().endTokens().iterator().next(), Sampler.of(options)));
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static GenerationResult answer(String newScript, GenerationOptions options, PromptOptions prompt) {
        script = newScript;
        StringBuilder text = new StringBuilder();
        StringBuilder thinking = new StringBuilder();
        GenerationResult result = model.chat(model.chatPrompt(HELLO, prompt), options, new GenerationListener() {
            @Override
            public void onToken(int token, String piece) {
                text.append(piece);
            }

            @Override
            public void onThinking(String piece) {
                thinking.append(piece);
            }

            @Override
            public void onRemainingText(String piece) {
                text.append(piece);
            }
        }, new Cancellation());
        assertThat(text).hasToString(result.text());
        assertThat(thinking).hasToString(result.thinking());
        return result;
    }

    private static GenerationResult answer(String newScript) {
        return answer(newScript, GenerationOptions.DEFAULT.withMaxNewTokens(200), PromptOptions.NONE);
    }

    static Stream<Arguments> answers() {
        String call = "<|channel|>commentary to=functions.add<|message|>";
        return Stream.of(
                Arguments.of("<|channel|>analysis<|message|>So.<|end|><|start|>assistant<|channel|>final<|message|>Two."
                        + "<|return|>", "So.", "Two."),
                Arguments.of("<|channel|>final<|message|>Two.<|return|>", "", "Two."),
                Arguments.of("<|channel|>analysis<|message|>A<|end|><|start|>assistant<|channel|>analysis<|message|>B"
                        + "<|end|><|start|>assistant<|channel|>final<|message|>C<|return|>", "A\n\nB", "C"),
                Arguments.of("<|channel|>analysis<|message|>A<|channel|>final<|message|>C<|return|>", "A", "C"),
                Arguments.of("<|channel|>commentary<|message|>First.<|end|><|start|>assistant<|channel|>final"
                        + "<|message|>Then.<|return|>", "", "First.\n\nThen."),
                Arguments.of("<|channel|>analysis<|message|>So.<|end|><|start|>assistant<|channel|>commentary "
                        + "to=functions.add <|constrain|>json<|message|>{\"a\": 1}<|call|>", "So.",
                        call + "{\"a\": 1}"),
                Arguments.of(" to=functions.add<|channel|>commentary json<|message|>{\"a\": 1}<|call|>", "",
                        call + "{\"a\": 1}"),
                Arguments.of("<|channel|>analysis to=functions.add code<|message|>{}<|call|>", "", call + "{}"),
                Arguments.of("<|channel|>analysis<|message|>cut short", "cut short", ""),
                Arguments.of("Two.<|return|>", "", "Two."), Arguments.of("tonight<|return|>", "", "tonight"),
                Arguments.of("<|return|>", "", ""), Arguments.of("<|channel|>fin", "", ""),
                Arguments.of("<|channel|>final<|message|>A<|end|>B", "", "AB"),
                Arguments.of("<|channel|>final<|message|>A<|end|><|start|>assist", "", "A"));
    }

    @ParameterizedTest
    @MethodSource("answers")
    void messagesOfAnAnswerAreToldApart(String written, String thinking, String text) {
        int tokens = HarmonyFixture.tokens(model.tokenizer(), written).length;
        script = written;
        GenerationResult result = answer(written, GenerationOptions.DEFAULT.withMaxNewTokens(tokens),
                PromptOptions.NONE);
        assertThat(result.thinking()).isEqualTo(thinking);
        assertThat(result.text()).isEqualTo(text);
    }

    @Test
    void callsAndReturnsEndAnAnswerWhateverTheConfigurationNames() {
        assertThat(model.tokenizer().endTokens()).hasSize(2);
        GenerationResult result = answer("<|channel|>commentary to=functions.add<|message|>{}<|call|>never");
        assertThat(result.text()).endsWith("{}");
        assertThat(result.finishReason()).isEqualTo(FinishReason.END_TOKEN);
    }

    @Test
    void textThatSpellsAMarkIsText() {
        GenerationResult result = answer("<|channel|>final<|message|>");
        script = "";
        int[] spelled = model.tokenizer().encode("<|channel|>analysis<|message|>");
        HarmonyText text = new HarmonyText(HarmonyTokens.of(TokenizerFiles.read(directory)).orElseThrow(),
                HarmonyFixture.tokens(model.tokenizer(), "<|start|>assistant<|channel|>final<|message|>"),
                model.tokenizer());
        StringBuilder answer = new StringBuilder();
        for (int token : spelled) {
            answer.append(text.next(token, model.tokenizer().decode(token)).answer());
        }
        assertThat(answer).hasToString("<|channel|>analysis<|message|>");
        assertThat(text.isThinking()).isFalse();
        assertThat(result.thinking()).isEmpty();
    }

    @Test
    void anAnswerThatIsGivenStandsInItsChannel() {
        int[] prompt = model.chatPrompt(HELLO, "Two <|end|>");
        int[] end = HarmonyFixture.tokens(model.tokenizer(), "<|start|>assistant<|channel|>final<|message|>");
        int[] text = model.tokenizer().encode("Two <|end|>");
        assertThat(Arrays.copyOfRange(prompt, prompt.length - end.length - text.length, prompt.length - text.length))
                .containsExactly(end);
        assertThat(model.tokenizer().decode(prompt)).endsWith("assistantfinalTwo <|end|>");
    }

    // ---- held to a schema ----

    private static GenerationOptions held(List<AnswerForm> forms, int maxTokens) {
        return GenerationOptions.DEFAULT.withMaxNewTokens(maxTokens)
                .withConstraint(JsonConstraint.compile(forms, model.tokenizer().vocabulary()));
    }

    private static List<AnswerForm> facts() throws IOException {
        return List.of(new AnswerForm("", MAPPER.readTree(FACTS)));
    }

    /** Where the model thinks: the rest of the channel's name comes by itself, as does what follows the thought. */
    private static final String ANALYSIS = "<|channel|>a";

    @ParameterizedTest
    @ValueSource(strings = { "", ANALYSIS + "No {JSON}.<|end|>" })
    void jsonHoldsInTheFinalChannel(String before) throws IOException {
        GenerationResult result = answer(before + "<|channel|>final<|message|>{\"n\": 12}", held(facts(), 80),
                PromptOptions.NONE);
        assertThat(result.text()).isEqualTo("{\"n\": 12}");
        assertThat(result.thinking()).isEqualTo(before.isEmpty() ? "" : "No {JSON}.");
        assertThat(result.finishReason()).isEqualTo(FinishReason.END_TOKEN);
        result = answer("No JSON at all", held(facts(), 80), PromptOptions.NONE);
        assertThat(MAPPER.readTree(result.text()).has("n")).isTrue();
    }

    @Test
    void thinkingEndsWhereTheAnswerWouldNotFitAnyMore() throws IOException {
        int least = held(facts(), 1).constraint().orElseThrow().opened(HarmonyTokens.FINAL).minimumTokens();
        boolean thought = false;
        for (int room = least; room < least + 40; room++) {
            GenerationResult result = answer(ANALYSIS + "and so on ".repeat(40), held(facts(), room),
                    PromptOptions.NONE);
            assertThat(MAPPER.readTree(result.text()).has("n")).as("%d tokens", room).isTrue();
            assertThat(result.generatedTokens()).isLessThanOrEqualTo(room);
            thought |= !result.thinking().isEmpty();
        }
        assertThat(thought).isTrue();
    }

    private static List<AnswerForm> callOrFacts(boolean begun) throws IOException {
        ToolCallFormat format = model.toolCallFormat();
        JsonNode arguments = MAPPER.readTree(FACTS.replace("\"n\"", "\"a\""));
        List<AnswerForm> forms = new ArrayList<>();
        for (String tool : List.of("add", "subtract")) {
            forms.add(new AnswerForm((begun ? "" : format.opening()) + format.beforeArguments(tool), arguments));
        }
        if (!begun) {
            forms.addAll(facts());
        }
        return forms;
    }

    private static List<String> calls(String text, boolean expected) {
        ToolCallParser parser = new ToolCallParser(Set.of("add", "subtract"), ToolCallListener.NONE);
        if (expected) {
            parser.expectCall();
        }
        parser.next(text);
        parser.finish();
        assertThat(parser.text()).isEmpty();
        return parser.calls().stream().map(ToolCall::name).toList();
    }

    @Test
    void aCallThatMustComeComesInItsForm() throws IOException {
        ToolDefinition tool = new ToolDefinition("add", "", MAPPER.readTree(FACTS));
        PromptOptions prompt = PromptOptions.NONE.withTools(List.of(tool), true);
        assertThat(model.toolCallFormat()).isEqualTo(ToolCallFormat.HARMONY);
        int[] tokens = model.chatPrompt(HELLO, prompt);
        int[] opening = HarmonyFixture.tokens(model.tokenizer(),
                "<|start|>assistant" + ToolCallFormat.HARMONY.opening());
        assertThat(Arrays.copyOfRange(tokens, tokens.length - opening.length, tokens.length)).containsExactly(opening);
        for (String wanted : List.of("", "subtract <|constrain|>json<|message|>{\"a\": 3}", "<|channel|>analysis")) {
            GenerationResult result = answer(wanted, held(callOrFacts(true), 40), prompt);
            assertThat(calls(result.text(), true)).as(result.text())
                    .isEqualTo(List.of(wanted.startsWith("sub") ? "subtract" : calls(result.text(), true).getFirst()));
            assertThat(result.thinking()).isEmpty();
        }
    }

    @Test
    void aCallOrAnAnswerOfAFormMayBeThoughtAbout() throws IOException {
        GenerationOptions options = held(callOrFacts(false), 80);
        String thought = ANALYSIS + "So.<|end|>";
        String call = "<|channel|>commentary to=functions.add <|constrain|>json<|message|>{\"a\": 3}";
        for (String before : List.of("", thought)) {
            GenerationResult result = answer(before + call, options, PromptOptions.NONE);
            assertThat(calls(result.text(), false)).containsExactly("add");
            assertThat(result.thinking()).isEqualTo(before.isEmpty() ? "" : "So.");
            result = answer(before + "<|channel|>final<|message|>{\"n\": 4}", options, PromptOptions.NONE);
            assertThat(result.text()).isEqualTo("{\"n\": 4}");
        }
    }
}
