// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.langchain4j.agent.tool.P;
import dev.langchain4j.agent.tool.Tool;
import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonRawSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.chat.request.json.JsonSchemaElement;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.service.AiServices;
import dev.langchain4j.service.TokenStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Pocket;
import io.github.chaijlama.constrain.AnswerForm;
import io.github.chaijlama.tool.ToolCallFormat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Tools and structured answers of Pocket, which was trained for both. */
class ToolsAndFormatsTests {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    static final String STORY = "There once lived a cheerful duck called Hugo. Hugo lived near the village. One windy "
            + "afternoon, Hugo went to the mill. At the mill, Hugo lost a blue feather. Soon Hugo met Anna the badger. "
            + "Together "
            + "they found the blue feather again. In the end Hugo felt surprised and gave Anna some bread.";
    private static final ToolSpecification ADD = ToolSpecification.builder().name("add").parameters(JsonObjectSchema
            .builder().addIntegerProperty("a").addIntegerProperty("b").required("a", "b").build()).build();
    private static final ToolSpecification TIME = ToolSpecification.builder().name("time").build();
    private static ChaiEngine engine;
    private static ChaiChatModel model;

    @BeforeAll
    static void load() {
        engine = Pocket.engine();
        model = ChaiChatModel.builder().engine(engine).build();
    }

    @AfterAll
    static void close() {
        engine.close();
    }

    /** The tools of Pocket's training, and what was asked of them. */
    static final class Tools {
        private final List<String> calls = new ArrayList<>();

        @Tool
        int add(@P(name = "a", value = "a") int a, @P(name = "b", value = "b") int b) {
            calls.add("add " + a + " " + b);
            return a + b;
        }

        @Tool
        int multiply(@P(name = "a", value = "a") int a, @P(name = "b", value = "b") int b) {
            calls.add("multiply " + a + " " + b);
            return a * b;
        }

        @Tool
        String weather(@P(name = "place", value = "place") String place) {
            calls.add("weather " + place);
            return "sunny";
        }

        @Tool
        int price(@P(name = "item", value = "item") String item) {
            calls.add("price " + item);
            return 42;
        }

        @Tool
        String time() {
            calls.add("time");
            return "10:14";
        }
    }

    interface Assistant {
        String chat(String message);
    }

    interface StreamingAssistant {
        TokenStream chat(String message);
    }

    record Facts(String home, String place) {}

    enum Animal {
        DUCK, FOX, OWL
    }

    interface Reader {
        Facts facts(String text);

        Animal animal(String text);

        List<String> names(String text);

        boolean isTrue(String text);
    }

    // ---- tools ----

    @Test
    void aiServicesCallTheToolsOfPocket() {
        Tools tools = new Tools();
        Assistant assistant = AiServices.builder(Assistant.class).chatModel(model).tools(tools).build();

        assertThat(assistant.chat("What is 12 plus 30?")).contains("42");
        assertThat(assistant.chat("What is 64 times 17?")).contains("1088");
        assertThat(assistant.chat("What is the weather at the river?")).contains("sunny");
        assertThat(assistant.chat("What does a whistle cost?")).contains("42 coins");
        assertThat(assistant.chat("What time is it?")).contains("It is 10:");
        assertThat(tools.calls).hasSize(5).contains("add 12 30", "multiply 64 17", "weather river", "time");
        assertThat(tools.calls.get(3)).as("the model takes one thing for another").startsWith("price ");
    }

    @Test
    void streamingAiServicesDoTheSame() throws Exception {
        Tools tools = new Tools();
        StreamingAssistant assistant = AiServices.builder(StreamingAssistant.class)
                .streamingChatModel(ChaiStreamingChatModel.builder().engine(engine).build()).tools(tools).build();
        CompletableFuture<ChatResponse> response = new CompletableFuture<>();
        StringBuilder text = new StringBuilder();
        assistant.chat("What is 12 plus 30?").onPartialResponse(text::append).onCompleteResponse(response::complete)
                .onError(response::completeExceptionally).start();
        assertThat(response.get(60, TimeUnit.SECONDS).aiMessage().text()).contains("42").hasToString(text.toString());
        assertThat(tools.calls).containsExactly("add 12 30");
    }

    record Numbers(int count, int year, double price) {}

    interface Estimator {
        Numbers estimate(String text);
    }

    /** Whatever digits a model loses itself in, Java's fields hold them. */
    @Test
    void numbersAlwaysFitTheFieldsOfAnAiService() {
        for (long seed = 0; seed < 25; seed++) {
            Estimator estimator = AiServices.create(Estimator.class,
                    ChaiChatModel.builder().engine(engine).temperature(1.5).seed(seed).maxOutputTokens(120).build());
            Numbers numbers = estimator.estimate("How many foxes are there, since when, and what do they cost?");
            assertThat(numbers.price()).as("seed %d", seed).isFinite();
        }
    }

    private static ChatRequest.Builder asking(String question) {
        return ChatRequest.builder().messages(UserMessage.from(question));
    }

    @Test
    void noToolsAreSeenWithToolChoiceNone() {
        ChatResponse none = model.chat(asking("What is 12 plus 30?").toolSpecifications(ADD).toolChoice(ToolChoice.NONE)
                .build());
        assertThat(none.aiMessage().toolExecutionRequests()).isEmpty();
        assertThat(none.tokenUsage().inputTokenCount())
                .isEqualTo(model.chat(asking("What is 12 plus 30?").build()).tokenUsage().inputTokenCount());
        ChatResponse auto = model.chat(asking("What is 12 plus 30?").toolSpecifications(ADD)
                .toolChoice(ToolChoice.AUTO).build());
        assertThat(auto.tokenUsage().inputTokenCount()).isGreaterThan(none.tokenUsage().inputTokenCount());
        assertThat(auto.finishReason()).isEqualTo(FinishReason.TOOL_EXECUTION);
        assertThat(auto.aiMessage().text()).isNull();
    }

    @Test
    void aCallMustComeWithToolChoiceRequired() throws Exception {
        for (double temperature : new double[]{ 0, 1.5 }) {
            for (String question : List.of("Hello!", "Tell me a story.", "What time is it?")) {
                ChatResponse response = model.chat(asking(question).toolSpecifications(ADD, TIME)
                        .toolChoice(ToolChoice.REQUIRED).temperature(temperature).maxOutputTokens(60).build());
                ToolExecutionRequest call = response.aiMessage().toolExecutionRequests().getFirst();
                assertThat(response.finishReason()).isEqualTo(FinishReason.TOOL_EXECUTION);
                JsonNode arguments = MAPPER.readTree(call.arguments());
                if (call.name().equals("add")) {
                    assertThat(arguments.path("a").isInt() || arguments.path("a").isLong()).isTrue();
                    assertThat(arguments.size()).isEqualTo(2);
                } else {
                    assertThat(call.name()).isEqualTo("time");
                    assertThat(arguments.isObject()).isTrue();
                    assertThat(arguments.size()).isZero();
                }
            }
        }
        assertThatThrownBy(() -> model.chat(asking("Hello!").toolChoice(ToolChoice.REQUIRED).build()))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("tool choice REQUIRED needs at least one tool, found none");
    }

    @Test
    void aCallThatIsCutShortIsText() {
        ChatResponse response = model.chat(asking("What is 12 plus 30?").toolSpecifications(ADD).maxOutputTokens(6)
                .build());
        assertThat(response.finishReason()).isEqualTo(FinishReason.LENGTH);
        assertThat(response.aiMessage().toolExecutionRequests()).isEmpty();
        assertThat(response.aiMessage().text()).startsWith("{");
    }

    @Test
    void resultsOfCallsAreTold() {
        AiMessage call = AiMessage.from(ToolExecutionRequest.builder().id("1").name("add")
                .arguments("{\"a\": 12, \"b\": 30}").build());
        ChatResponse response = model.chat(ChatRequest.builder().messages(UserMessage.from("What is 12 plus 30?"), call,
                ToolExecutionResultMessage.from("1", "add", "99")).toolSpecifications(ADD).build());
        assertThat(response.aiMessage().text()).contains("99");
    }

    @Test
    void whatTheTemplateHasNoWordsForIsRefused(@TempDir Path directory) throws Exception {
        for (String file : List.of("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")) {
            Files.copy(Pocket.MODEL.resolve(file), directory.resolve(file));
        }
        Path settings = directory.resolve("tokenizer_config.json");
        ObjectNode json = (ObjectNode) MAPPER.readTree(settings.toFile());
        json.put("chat_template", "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}"
                + "{% endif %}{{ m.content }}{% endfor %}");
        MAPPER.writeValue(settings.toFile(), json);
        try (ChaiEngine plain = ChaiEngine.load(directory, "plain", ChaiOptions.exact())) {
            ChaiChatModel without = ChaiChatModel.builder().engine(plain).maxOutputTokens(3).build();
            assertThat(without.chat("Tell me a story.")).isNotNull();
            assertThatThrownBy(() -> without.chat(asking("What is 1 plus 2?").toolSpecifications(ADD).build()))
                    .isInstanceOf(UnsupportedFeatureException.class).hasMessage("tools (the model's chat template has "
                            + "no place for them) is not supported by this model");
            assertThatThrownBy(() -> without.chat(SystemMessage.from("Be kind."), UserMessage.from("Hello!")))
                    .isInstanceOf(InvalidRequestException.class).hasMessageContaining("no system");
        }
    }

    // ---- formats ----

    @Test
    void aiServicesReturnObjectsEnumsListsAndBooleans() {
        assertThat(model.supportedCapabilities()).isEqualTo(Set.of(Capability.RESPONSE_FORMAT_JSON_SCHEMA));
        Reader reader = AiServices.create(Reader.class, model);
        assertThat(reader.facts("Extract the facts from this story: " + STORY))
                .isEqualTo(new Facts("village", "mill"));
        assertThat(reader.animal(STORY)).isNotNull();
        assertThat(reader.names(STORY)).isNotNull();
        reader.isTrue(STORY);
    }

    private static ResponseFormat format(JsonSchemaElement schema) {
        return ResponseFormat.builder().type(ResponseFormatType.JSON)
                .jsonSchema(JsonSchema.builder().name("any").rootElement(schema).build()).build();
    }

    @Test
    void withoutASchemaAnyObjectComes() throws Exception {
        ChatResponse response = model.chat(asking("Tell me a story.").responseFormat(ResponseFormat.JSON)
                .temperature(1.5).maxOutputTokens(40).build());
        assertThat(MAPPER.readTree(response.aiMessage().text()).isObject()).isTrue();
        assertThat(response.finishReason()).isEqualTo(FinishReason.STOP);
    }

    @Test
    void formatsThatCannotBeKeptAreRefused() {
        JsonRawSchema pattern = JsonRawSchema.from("{\"type\": \"string\", \"pattern\": \"a*\"}");
        assertThatThrownBy(() -> model.chat(asking("x").responseFormat(format(pattern)).build()))
                .isInstanceOf(UnsupportedFeatureException.class).hasMessageContaining("'pattern'");
        JsonObjectSchema city = JsonObjectSchema.builder().addStringProperty("city").required("city").build();
        assertThatThrownBy(() -> model.chat(asking("x").responseFormat(format(city)).maxOutputTokens(2).build()))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("the shortest answer for this schema has");
        assertThatThrownBy(() -> model.chat(asking("x").responseFormat(format(JsonRawSchema.from("{"))).build()))
                .isInstanceOf(InvalidRequestException.class);
    }

    @Test
    void stopSequencesOfTheModelAreSetAside() throws Exception {
        ChaiChatModel stopping = ChaiChatModel.builder().engine(engine).stopSequences(List.of("}")).build();
        ChatResponse response = stopping.chat(asking("x").responseFormat(ResponseFormat.JSON).maxOutputTokens(30)
                .build());
        assertThat(MAPPER.readTree(response.aiMessage().text()).isObject()).isTrue();
    }

    @Test
    void schemasAreCompiledOnceAndForgottenWhenTheyAreMany() {
        ResponseConstraints constraints = new ResponseConstraints(engine.textModel().tokenizer());
        JsonNode first = JsonSchemas.anyObject();
        assertThat(constraints.of(first)).isSameAs(constraints.of(first.deepCopy()));
        for (int i = 0; i < 40; i++) {
            constraints.of(JsonSchemas.anyObject().put("title", "t" + i));
        }
        assertThat(constraints.size()).isEqualTo(16);
    }

    @Test
    void referencesWithinToolsPointToThemselvesWhereverTheyStand() {
        ToolSpecification tree = ToolSpecification.builder().name("tree").parameters(JsonObjectSchema.builder()
                .addProperty("root", JsonRawSchema.from("{\"$ref\": \"#/$defs/n\"}")).definitions(Map.of("n",
                        JsonRawSchema.from("{\"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/n\"}}")))
                .build()).build();
        List<AnswerForm> forms = JsonSchemas.callOrAnswer(List.of(JsonSchemas.tool(TIME), JsonSchemas.tool(tree)),
                ToolCallFormat.JSON, true, Optional.empty());
        JsonNode schema = forms.get(1).schema();
        assertThat(schema.findValuesAsText("$ref")).hasSize(2)
                .allMatch(reference -> !schema.at(reference.substring(1)).isMissingNode());
        assertThat(forms.getFirst().schema().at("/properties/parameters/additionalProperties").asBoolean(true))
                .isFalse();
    }

    @Test
    void theFormIsDescribedInTheWordsOfLangChain4j() throws Exception {
        assertThat(FormatInstruction.of(MAPPER.readTree("""
                {"type": "object", "$defs": {"n": {"type": "object", "properties": {"next": {"$ref": "#/$defs/n"}}}},
                 "properties": {"name": {"type": "string", "description": "first"}, "tags": {"type": "array",
                 "items": {"enum": ["a", "b"]}}, "n": {"$ref": "#/$defs/n"},
                 "either": {"anyOf": [{"type": "integer"}, {"const": 5}]}, "more": {"type": ["string", "null"]}}}""")))
                .isEqualTo("""
                        You must answer strictly in the following JSON format: {
                        "name": (first; type: string),
                        "tags": (type: array of enum, must be one of ["a","b"]),
                        "n": (type: {
                        "next": (type: object of the same form)
                        }),
                        "either": (type: integer or always 5),
                        "more": (type: string or null)
                        }""");
    }
}
