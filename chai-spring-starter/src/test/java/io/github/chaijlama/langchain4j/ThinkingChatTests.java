// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialThinking;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Pocket;
import io.github.chaijlama.generate.TextModel;

import static org.assertj.core.api.Assertions.assertThat;

/** Thinking as LangChain4j knows it, with Pocket that follows a script and a template in the manner of Qwen 3. */
class ThinkingChatTests {
    private static final String TEMPLATE = "{{ bos_token }}{{ tools | tojson if tools else '' }}{% for m in messages %}"
            + "{{ '<|' + m.role + '|>' }}"
            + "{% if m.reasoning_content %}{{ '<think>' + m.reasoning_content + '</think>' }}{% endif %}"
            + "{{ m.content + '<|end|>' }}{% endfor %}{% if add_generation_prompt %}<|assistant|>"
            + "{% if enable_thinking is defined %}{{ '[' ~ enable_thinking ~ ']' }}{% endif %}{% endif %}";
    private static final String THOUGHT = "<think>\nA fox is {not} a bear.\n</think>\n\n";

    @TempDir
    private Path directory;
    private ChaiEngine engine;
    private String script = "";
    private String prompt = "";

    @BeforeEach
    void load() throws IOException {
        for (String file : List.of("config.json", "model.safetensors", "tokenizer.json")) {
            Files.copy(Pocket.MODEL.resolve(file), directory.resolve(file));
        }
        ObjectNode config = new ObjectMapper().createObjectNode().put("bos_token", "<|bos|>")
                .put("eos_token", "<|end|>").put("chat_template", TEMPLATE);
        Files.writeString(directory.resolve("tokenizer_config.json"), config.toString());
        TextModel[] model = new TextModel[1];
        model[0] = TextModel.load(directory, ChaiOptions.exact(),
                options -> new ScriptedTokens(model[0].tokenizer(), model[0].tokenizer().encode(script),
                        Optional.empty()) {
                    @Override
                    public void begin(int[] promptTokens) {
                        prompt = model[0].tokenizer().decode(promptTokens);
                    }
                });
        engine = ChaiEngine.of(model[0], "thinker");
    }

    @AfterEach
    void close() {
        engine.close();
    }

    private ChaiChatModel.Builder model() {
        return ChaiChatModel.builder().engine(engine);
    }

    private AiMessage answer(ChaiChatModel model, ChatRequest.Builder request) {
        return model.chat(request.messages(UserMessage.from("Hello")).build()).aiMessage();
    }

    @Test
    void thinkingIsReturnedToWhoAsksForIt() {
        script = THOUGHT + "Ruby.";
        AiMessage message = answer(model().returnThinking(true).build(), ChatRequest.builder());
        assertThat(message.text()).isEqualTo("Ruby.");
        assertThat(message.thinking()).isEqualTo("A fox is {not} a bear.");

        message = answer(model().build(), ChatRequest.builder());
        assertThat(message.text()).isEqualTo("Ruby.");
        assertThat(message.thinking()).as("not by default, as with LangChain4j's other models").isNull();

        script = "Ruby.";
        assertThat(answer(model().returnThinking(true).build(), ChatRequest.builder()).thinking()).isNull();
    }

    @Test
    void thinkingIsNoPartOfJsonOrCalls() {
        ResponseFormat json = ResponseFormat.builder().type(ResponseFormatType.JSON)
                .jsonSchema(JsonSchema.builder().name("X")
                        .rootElement(JsonObjectSchema.builder().addIntegerProperty("n").required("n").build()).build())
                .build();
        // Of the mark, which is several tokens here, the model chooses the first; the others follow by themselves.
        script = "<" + "\nA fox is {not} a bear.\n</think> {\"n\": 3}";
        AiMessage message = answer(model().returnThinking(true).build(), ChatRequest.builder().responseFormat(json));
        assertThat(message.text().strip()).isEqualTo("{\"n\": 3}");
        assertThat(message.thinking()).isEqualTo("A fox is {not} a bear.");

        ToolSpecification add = ToolSpecification.builder().name("add")
                .parameters(JsonObjectSchema.builder().addIntegerProperty("a").build()).build();
        script = "<think>{\"name\": \"add\", \"parameters\": {\"a\": 1}}?</think>\n"
                + "{\"name\": \"add\", \"parameters\": {\"a\": 2}}";
        message = answer(model().returnThinking(true).build(), ChatRequest.builder().toolSpecifications(add));
        assertThat(message.toolExecutionRequests()).singleElement()
                .satisfies(call -> assertThat(call.arguments()).isEqualTo("{\"a\": 2}"));
        assertThat(message.thinking()).startsWith("{\"name\": \"add\"").endsWith("?");
        assertThat(message.text()).isNull();
    }

    @Test
    void streamsThinkingBeforeTheAnswer() throws Exception {
        script = THOUGHT + "Ruby the fox.";
        for (boolean returned : new boolean[]{ true, false }) {
            StringBuilder heard = new StringBuilder();
            CompletableFuture<ChatResponse> done = new CompletableFuture<>();
            ChaiStreamingChatModel.builder().engine(engine).returnThinking(returned).build().chat("Hello",
                    new StreamingChatResponseHandler() {
                        private boolean answers;

                        @Override
                        public void onPartialThinking(PartialThinking thinking) {
                            assertThat(answers).isFalse();
                            assertThat(thinking.text()).isNotEmpty();
                            heard.append(thinking.text());
                        }

                        @Override
                        public void onPartialResponse(String text) {
                            heard.append(answers ? "" : "|").append(text);
                            answers = true;
                        }

                        @Override
                        public void onCompleteResponse(ChatResponse response) {
                            done.complete(response);
                        }

                        @Override
                        public void onError(Throwable error) {
                            done.completeExceptionally(error);
                        }
                    });
            AiMessage message = done.get(60, TimeUnit.SECONDS).aiMessage();
            assertThat(heard).hasToString(returned ? "A fox is {not} a bear.|Ruby the fox." : "|Ruby the fox.");
            assertThat(message.text()).isEqualTo("Ruby the fox.");
            assertThat(message.thinking()).isEqualTo(returned ? "A fox is {not} a bear." : null);
        }
    }

    @Test
    void earlierThinkingIsSentWhereItIsAskedFor() {
        script = "Ruby.";
        ChatRequest request = ChatRequest.builder().messages(UserMessage.from("Hello"),
                AiMessage.builder().text("Hi").thinking("because").build(), UserMessage.from("Bye")).build();
        model().sendThinking(true).build().chat(request);
        assertThat(prompt).isEqualTo("Hello<think>because</think>HiBye");
        model().build().chat(request);
        assertThat(prompt).as("not by default").isEqualTo("HelloHiBye");
    }

    @Test
    void theSwitchOfTheTemplateIsSetByModelAndByRequest() {
        script = "Ruby.";
        ChatRequestParameters off = ChaiChatRequestParameters.builder().enableThinking(false).build();
        ChatRequestParameters on = ChaiChatRequestParameters.builder().enableThinking(true).temperature(0.0).build();
        answer(model().build(), ChatRequest.builder());
        assertThat(prompt).isEqualTo("Hello");
        answer(model().enableThinking(true).build(), ChatRequest.builder());
        assertThat(prompt).isEqualTo("Hello[True]");
        answer(model().enableThinking(true).build(), ChatRequest.builder().parameters(off));
        assertThat(prompt).isEqualTo("Hello[False]");
        answer(model().build(), ChatRequest.builder().parameters(on));
        assertThat(prompt).isEqualTo("Hello[True]");
        answer(model().defaultRequestParameters(on).build(), ChatRequest.builder());
        assertThat(prompt).isEqualTo("Hello[True]");
        answer(model().enableThinking(true).build(),
                ChatRequest.builder().parameters(ChatRequestParameters.builder().maxOutputTokens(3).build()));
        assertThat(prompt).as("parameters of LangChain4j alone leave it as it is").isEqualTo("Hello[True]");
    }

    @Test
    void parametersAreMergedAndCompared() {
        ChaiChatRequestParameters on = ChaiChatRequestParameters.builder().enableThinking(true).topK(3).build();
        ChatRequestParameters plain = ChatRequestParameters.builder().temperature(0.5).build();
        assertThat(on.overrideWith(plain).enableThinking()).isTrue();
        assertThat(on.overrideWith(plain).temperature()).isEqualTo(0.5);
        assertThat(((ChaiChatRequestParameters) plain.overrideWith(on)).enableThinking()).isTrue();
        assertThat(on.defaultedBy(ChaiChatRequestParameters.builder().enableThinking(false).topP(0.1).build()))
                .isEqualTo(ChaiChatRequestParameters.builder().enableThinking(true).topK(3).topP(0.1).build())
                .hasSameHashCodeAs(ChaiChatRequestParameters.builder().enableThinking(true).topK(3).topP(0.1).build())
                .isNotEqualTo(ChaiChatRequestParameters.builder().topK(3).topP(0.1).build());
        assertThat(on).hasToString(on.toString()).asString().contains("enableThinking=true");
    }
}
