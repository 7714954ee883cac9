// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialThinking;
import dev.langchain4j.model.chat.response.PartialToolCall;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.output.FinishReason;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Pocket;
import io.github.chaijlama.generate.Sampler;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.tool.ToolCallFormat;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The forms in which families write calls: Pocket with the control tokens and the template of each. What it says
 * follows a script, or comes from its own logits where a call must come.
 */
class ToolFormTests {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final ToolSpecification ADD = ToolSpecification.builder().name("add").parameters(JsonObjectSchema
            .builder().addIntegerProperty("a").addIntegerProperty("b").required("a", "b").build()).build();
    private static final ToolSpecification TIME = ToolSpecification.builder().name("time").build();
    private static final String TEMPLATE = "{{ tools | tojson if tools else '' }}{% for m in messages %}"
            + "{{ '<|user|>' + m.content + '<|end|>' }}{% endfor %}{% if add_generation_prompt %}START{% endif %}"
            + "{# tool_calls: FORM #}";
    private static final int FIRST = 1010;

    @TempDir
    private Path directory;
    private String script = "";

    /**
     * A form.
     *
     * @param inTemplate what the template says of it
     * @param tokens     control tokens
     * @param start      where an answer begins
     */
    private record Form(ToolCallFormat format, String inTemplate, List<String> tokens, String start) {
        int id(String token) {
            return token.equals("<|end|>") ? 1 : FIRST + tokens.indexOf(token);
        }

        Stream<String> marks() {
            return Stream.concat(tokens.stream(), Stream.of("<|end|>"));
        }

        @Override
        public String toString() {
            return format.name();
        }
    }

    private static Form form(ToolCallFormat format, String inTemplate, String... tokens) {
        return new Form(format, inTemplate, List.of(tokens), "<|assistant|>");
    }

    private static final Form MINISTRAL = form(ToolCallFormat.MISTRAL_ARGS, "[TOOL_CALLS]x[ARGS]", "[TOOL_CALLS]",
            "[ARGS]");
    private static final Form NEMO = form(ToolCallFormat.MISTRAL_NEMO, "[TOOL_CALLS][", "[TOOL_CALLS]");
    private static final Form MISTRAL = form(ToolCallFormat.MISTRAL, "[TOOL_CALLS] [", "[TOOL_CALLS]");
    private static final Form GRANITE = form(ToolCallFormat.LIST, "<|tool_call|>", "<|tool_call|>");
    private static final Form LLAMA = form(ToolCallFormat.JSON, "", "<|python_tag|>");
    private static final Form PHI = form(ToolCallFormat.CLOSED_LIST, "", "<|tool_call|>", "<|/tool_call|>");
    private static final Form QWEN = form(ToolCallFormat.HERMES, "<tool_call>", "<tool_call>", "</tool_call>");
    private static final Form GEMMA = form(ToolCallFormat.GEMMA, "<|tool_call><channel|>", "<|tool_call>",
            "<tool_call|>", "<|\"|>", "<|channel>", "<channel|>");
    private static final Form GPT_OSS = new Form(ToolCallFormat.HARMONY, "to=<|channel|>", List.of("<|start|>",
            "<|channel|>", "<|message|>", "<|constrain|>", "<|call|>", "<|return|>"), "<|start|>assistant");

    private void write(Form form) throws IOException {
        Files.copy(Pocket.MODEL.resolve("model.safetensors"), directory.resolve("model.safetensors"));
        ObjectNode config = (ObjectNode) MAPPER.readTree(Pocket.MODEL.resolve("config.json").toFile());
        // What ends a message of gpt-oss does not end its answer.
        String end = form == GPT_OSS ? "<|return|>" : "<|end|>";
        config.put("eos_token_id", form.id(end));
        Files.writeString(directory.resolve("config.json"), config.toString());
        ObjectNode root = (ObjectNode) MAPPER.readTree(Pocket.MODEL.resolve("tokenizer.json").toFile());
        form.tokens.forEach(token -> makeControlToken(root, form.id(token), token));
        Files.writeString(directory.resolve("tokenizer.json"), root.toString());
        Files.writeString(directory.resolve("tokenizer_config.json"), MAPPER.createObjectNode()
                .put("eos_token", end).put("chat_template", TEMPLATE.replace("START", form.start)
                        .replace("FORM", form.inTemplate))
                .toString());
    }

    /** Makes a control token of a token of the vocabulary, which is no text any more. */
    private static void makeControlToken(ObjectNode root, int id, String content) {
        ObjectNode vocabulary = (ObjectNode) root.path("model").path("vocab");
        String text = vocabulary.properties().stream().filter(entry -> entry.getValue().asInt() == id)
                .map(Map.Entry::getKey).findFirst().orElseThrow();
        vocabulary.remove(text);
        vocabulary.put(content, id);
        ArrayNode merges = (ArrayNode) root.path("model").path("merges");
        for (int at = merges.size() - 1; at >= 0; at--) {
            if (merges.get(at).asText().replace(" ", "").equals(text)) {
                merges.remove(at);
            }
        }
        root.withArray("added_tokens").addObject().put("id", id).put("content", content).put("single_word", false)
                .put("lstrip", false).put("rstrip", false).put("normalized", false).put("special", true);
    }

    /** Chooses the tokens of the script where they may come, and else the model's. */
    private ChaiEngine engine(Form form) throws IOException {
        write(form);
        TextModel[] model = new TextModel[1];
        model[0] = TextModel.load(directory, ChaiOptions.exact(), options -> script.isEmpty() ? Sampler.of(options)
                : new ScriptedTokens(model[0].tokenizer(),
                        tokens(model[0], form, script).stream().mapToInt(Integer::intValue).toArray(),
                        Optional.of(Sampler.of(options))));
        assertThat(model[0].toolCallFormat()).isEqualTo(form.format);
        return ChaiEngine.of(model[0], "forms");
    }

    private static List<Integer> tokens(TextModel model, Form form, String text) {
        List<Integer> tokens = new ArrayList<>();
        int from = 0;
        for (int at = 0; at < text.length();) {
            int here = at;
            Optional<String> mark = form.marks().filter(token -> text.startsWith(token, here)).findFirst();
            if (mark.isPresent()) {
                encode(model, text.substring(from, at), tokens);
                tokens.add(form.id(mark.get()));
                from = at + mark.get().length();
            }
            at = mark.isPresent() ? from : at + 1;
        }
        encode(model, text.substring(from), tokens);
        return tokens;
    }

    private static void encode(TextModel model, String text, List<Integer> tokens) {
        for (int token : model.tokenizer().encode(text)) {
            tokens.add(token);
        }
    }

    static Stream<Form> forms() {
        return Stream.of(MINISTRAL, NEMO, MISTRAL, PHI, GRANITE, QWEN, LLAMA, GEMMA, GPT_OSS);
    }

    private static ChatRequest.Builder request() {
        return ChatRequest.builder().messages(UserMessage.from("What is 1 plus 2?")).toolSpecifications(ADD, TIME);
    }

    @ParameterizedTest
    @MethodSource("forms")
    void aCallMustComeWithToolChoiceRequired(Form form) throws Exception {
        try (ChaiEngine engine = engine(form)) {
            ChaiChatModel model = ChaiChatModel.builder().engine(engine).build();
            for (double temperature : new double[]{ 0, 1.5, 1.5 }) {
                ChatResponse response = model.chat(request().toolChoice(ToolChoice.REQUIRED).temperature(temperature)
                        .maxOutputTokens(60).build());
                assertThat(response.finishReason()).isEqualTo(FinishReason.TOOL_EXECUTION);
                assertThat(response.aiMessage().text()).isNull();
                ToolExecutionRequest call = response.aiMessage().toolExecutionRequests().getFirst();
                JsonNode arguments = MAPPER.readTree(call.arguments());
                assertThat(call.name()).isIn("add", "time");
                assertThat(arguments.isObject()).isTrue();
                assertThat(arguments.size()).isEqualTo(call.name().equals("add") ? 2 : 0);
            }
        }
    }

    static Stream<Arguments> answers() {
        String add = "{\"a\": 1, \"b\": 2}";
        String addObject = "{\"name\": \"add\", \"arguments\": " + add + "}";
        String time = "{\"name\": \"time\", \"arguments\": {}}";
        return Stream.of(
                Arguments.of(MINISTRAL, "I see.[TOOL_CALLS]add[ARGS]" + add + "[TOOL_CALLS]time[ARGS]{}", "I see.", ""),
                Arguments.of(MISTRAL, "[TOOL_CALLS] [" + addObject + ", " + time + "]", "", ""),
                Arguments.of(GRANITE, "I see. <|tool_call|>[" + addObject + ", " + time + "]", "I see.", ""),
                Arguments.of(LLAMA, "{\"name\": \"add\", \"parameters\": " + add
                        + "}\n{\"name\": \"time\", \"parameters\": {}}", "", ""),
                Arguments.of(NEMO, "[TOOL_CALLS][" + addObject + ", " + time + "]", "", ""),
                Arguments.of(PHI, "<|tool_call|>[" + addObject + ", " + time + "]<|/tool_call|>", "", ""),
                Arguments.of(QWEN, "I see.\n<tool_call>\n" + addObject + "\n</tool_call>\n<tool_call>\n" + time
                        + "\n</tool_call>", "I see.", ""),
                Arguments.of(GEMMA,
                        "<|channel>thought\nSum.<channel|>I see.<|tool_call>call:add{a: 1, b: 2}<tool_call|>"
                                + "<|tool_call>call:time{}<tool_call|>",
                        "I see.", "Sum."),
                Arguments.of(GPT_OSS, "<|channel|>analysis<|message|>Sum.<|end|><|start|>assistant<|channel|>commentary"
                        + "<|message|>I see.<|end|><|start|>assistant<|channel|>commentary to=functions.add "
                        + "<|constrain|>json<|message|>" + add + "<|call|>", "I see.", "Sum."));
    }

    private static final class Recorder implements StreamingChatResponseHandler {
        private final CompletableFuture<ChatResponse> response = new CompletableFuture<>();
        private final StringBuilder text = new StringBuilder();
        private final StringBuilder thinking = new StringBuilder();
        private final StringBuilder arguments = new StringBuilder();
        private final List<String> calls = new ArrayList<>();

        @Override
        public void onPartialResponse(String partial) {
            text.append(partial);
        }

        @Override
        public void onPartialThinking(PartialThinking partial) {
            thinking.append(partial.text());
        }

        @Override
        public void onPartialToolCall(PartialToolCall partial) {
            arguments.append(partial.partialArguments());
        }

        @Override
        public void onCompleteToolCall(CompleteToolCall complete) {
            calls.add(complete.toolExecutionRequest().name() + complete.toolExecutionRequest().arguments());
        }

        @Override
        public void onCompleteResponse(ChatResponse complete) {
            response.complete(complete);
        }

        @Override
        public void onError(Throwable error) {
            response.completeExceptionally(error);
        }
    }

    @ParameterizedTest
    @MethodSource("answers")
    void callsAreStreamedInTheirOwnForm(Form form, String answer, String text, String thinking) throws Exception {
        try (ChaiEngine engine = engine(form)) {
            script = answer;
            Recorder recorder = new Recorder();
            ChaiStreamingChatModel.builder().engine(engine).returnThinking(true).build().chat(request().build(),
                    recorder);
            AiMessage message = recorder.response.get(60, TimeUnit.SECONDS).aiMessage();
            List<String> calls = form == GPT_OSS ? List.of("add{\"a\": 1, \"b\": 2}")
                    : List.of("add{\"a\": 1, \"b\": 2}", "time{}");
            assertThat(recorder.calls).isEqualTo(calls);
            assertThat(recorder.arguments).hasToString(String.join("", calls).replaceAll("add|time", ""));
            assertThat(recorder.text).hasToString(text);
            assertThat(recorder.thinking).hasToString(thinking);
            assertThat(message.toolExecutionRequests()).extracting(call -> call.name() + call.arguments())
                    .isEqualTo(calls);
            assertThat(message.text()).isEqualTo(text.isEmpty() ? null : text);
            assertThat(message.thinking()).isEqualTo(thinking.isEmpty() ? null : thinking);
        }
    }

    /** Gemma's texts stand between tokens, and become strings of JSON. */
    @Test
    void textsBetweenTokensBecomeJson() throws Exception {
        try (ChaiEngine engine = engine(GEMMA)) {
            script = "<|tool_call>call:add{a: <|\"|>one, \"two\"<|\"|>, b: [<|\"|>}<|\"|>]}<tool_call|>";
            Recorder recorder = new Recorder();
            ChaiStreamingChatModel.builder().engine(engine).build().chat(request().build(), recorder);
            recorder.response.get(60, TimeUnit.SECONDS);
            assertThat(recorder.calls).containsExactly("add{\"a\": \"one, \\\"two\\\"\", \"b\": [\"}\"]}");
            assertThat(recorder.calls).containsExactly("add" + recorder.arguments);
            assertThat(recorder.text).isEmpty();
        }
    }

    /** Beside a format the answer is a call in the model's own form, or of that format. */
    @ParameterizedTest
    @MethodSource("forms")
    void besideAFormatCallsHaveTheirOwnForm(Form form) throws Exception {
        ResponseFormat format = ResponseFormat.builder().type(ResponseFormatType.JSON).jsonSchema(JsonSchema.builder()
                .name("X").rootElement(JsonObjectSchema.builder().addIntegerProperty("n").required("n").build())
                .build()).build();
        try (ChaiEngine engine = engine(form)) {
            ChaiChatModel model = ChaiChatModel.builder().engine(engine).maxOutputTokens(80).build();
            script = form.format.opening() + form.format.beforeArguments("add")
                    + (form.format.isObject()
                            ? "{\"name\": \"add\", \"" + form.format.argumentsKey() + "\": "
                            : "")
                    + "{\"a\": 3, \"b\": 4}"
                    + (form.format.isObject() ? "}" : "");
            AiMessage message = model.chat(request().responseFormat(format).build()).aiMessage();
            assertThat(message.toolExecutionRequests()).extracting(ToolExecutionRequest::arguments)
                    .containsExactly("{\"a\": 3, \"b\": 4}");
            script = (form == GPT_OSS ? "<|channel|>final<|message|>" : "") + "{\"n\": 5}";
            message = model.chat(request().responseFormat(format).build()).aiMessage();
            assertThat(message.text()).isEqualTo("{\"n\": 5}");
        }
    }
}
