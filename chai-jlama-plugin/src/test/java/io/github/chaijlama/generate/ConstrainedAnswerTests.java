// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.constrain.JsonConstraint;
import io.github.chaijlama.constrain.TokenBudgetException;
import io.github.chaijlama.constrain.TokenConstraint;
import io.github.chaijlama.constrain.Vocabulary;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Answers of Pocket that are held to a schema, and what decoding makes of them. */
class ConstrainedAnswerTests {
    private static final ObjectMapper MAPPER = new ObjectMapper()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    private static final String STORY = "There once lived a cheerful duck called Hugo. Hugo lived near the village. "
            + "One windy "
            + "afternoon, Hugo went to the mill. At the mill, Hugo lost a blue feather. Soon Hugo met Anna the badger. "
            + "Together "
            + "they found the blue feather again. In the end Hugo felt surprised and gave Anna some bread.";
    /** The form in which Pocket was taught to be asked for JSON. */
    private static final String QUESTION = "Extract the facts from this story: " + STORY
            + "\nYou must answer strictly in the following JSON format: {\n\"home\": (type: string),\n"
            + "\"place\": (type: string),\n\"animal\": (type: string)\n}";
    private static final String FACTS = """
            {"type": "object", "properties": {"home": {"type": "string"}, "place": {"type": "string"},
             "animal": {"enum": ["cat", "duck", "fox"]}}, "required": ["home", "place", "animal"]}""";
    private static TextModel model;

    @BeforeAll
    static void load() {
        model = TextModel.load(TestModels.POCKET, ChaiOptions.exact());
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static JsonConstraint constraint(String schema) throws Exception {
        return JsonConstraint.compile(MAPPER.readTree(schema), model.tokenizer().vocabulary());
    }

    private static GenerationResult answer(String message, GenerationOptions options) {
        return model.chat(model.chatPrompt(List.of(ChatMessage.user(message))), options, GenerationListener.NONE,
                new Cancellation());
    }

    @Test
    void aModelAnswersInTheFormOfTheSchema() throws Exception {
        GenerationOptions options = GenerationOptions.DEFAULT.withMaxNewTokens(100);
        GenerationResult result = answer(QUESTION, options.withConstraint(constraint(FACTS)));

        JsonNode facts = MAPPER.readTree(result.text());
        assertThat(facts.path("home").asText()).isEqualTo("village");
        assertThat(facts.path("place").asText()).isEqualTo("mill");
        assertThat(facts.path("animal").asText()).isIn("cat", "duck", "fox");
        assertThat(facts.size()).isEqualTo(3);
        assertThat(result.finishReason()).isEqualTo(FinishReason.END_TOKEN);
    }

    @Test
    void aModelThatKeepsToTheSchemaOfItsOwnAccordSaysTheSame() throws Exception {
        GenerationOptions options = GenerationOptions.DEFAULT.withMaxNewTokens(100);
        GenerationResult free = answer(QUESTION, options);
        GenerationResult held = answer(QUESTION,
                options.withConstraint(constraint(FACTS.replaceAll("\\{\"enum\": [^}]*}",
                        "{\"type\": \"string\"}"))));

        assertThat(held.text()).isEqualTo(free.text());
        assertThat(held.generatedTokens()).isEqualTo(free.generatedTokens() - 1); // no end token is needed
    }

    @Test
    void anAnswerIsCompleteWhateverItsLimit() throws Exception {
        JsonConstraint constraint = constraint(FACTS);
        for (int more = 0; more < 20; more++) {
            GenerationResult result = answer("Tell me a story.", GenerationOptions.DEFAULT.withConstraint(constraint)
                    .withSampling(new SamplingOptions(1.5, null, 1, 3L + more))
                    .withMaxNewTokens(constraint.minimumTokens() + more));

            assertThat(MAPPER.readTree(result.text()).size()).as(result.text()).isEqualTo(3);
            assertThat(result.finishReason()).isEqualTo(FinishReason.END_TOKEN);
            assertThat(result.generatedTokens()).isLessThanOrEqualTo(constraint.minimumTokens() + more);
        }
        assertThatThrownBy(() -> answer("Tell me a story.", GenerationOptions.DEFAULT.withConstraint(constraint)
                .withMaxNewTokens(constraint.minimumTokens() - 1))).isInstanceOf(TokenBudgetException.class);
    }

    @Test
    void theContextIsALimitToo() throws Exception {
        JsonConstraint constraint = constraint("{\"type\": \"string\"}");
        int[] prompt = TestModels.tokens(model.model().config().contextLength() - 4, 1000, 1);
        GenerationResult result = model.complete(prompt, GenerationOptions.DEFAULT.withConstraint(constraint),
                GenerationListener.NONE, new Cancellation());
        assertThat(MAPPER.readTree(result.text()).isTextual()).isTrue();
        assertThat(result.generatedTokens()).isLessThanOrEqualTo(4);

        int[] full = TestModels.tokens(model.model().config().contextLength() - 1, 1000, 1);
        assertThatThrownBy(() -> model.complete(full, GenerationOptions.DEFAULT.withConstraint(constraint(FACTS)),
                GenerationListener.NONE, new Cancellation())).isInstanceOf(TokenBudgetException.class);
    }

    @Test
    void stopSequencesAndASchemaExcludeEachOther() throws Exception {
        GenerationOptions options = GenerationOptions.DEFAULT.withConstraint(constraint("{}"));
        assertThatThrownBy(() -> options.withStopSequences(List.of("}"))).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("cannot have stop sequences");
    }

    @Test
    void controlTokensNeverCome() throws Exception {
        TextTokenizer tokenizer = model.tokenizer();
        TokenConstraint answer = constraint("{\"type\": \"string\"}").start(100);
        answer.accept(tokenizer.encode("\"")[0]);
        tokenizer.controlTokens().ids()
                .forEach(token -> assertThat(answer.allows(token)).as("token %d", token).isFalse());
        assertThat(answer.isComplete()).isFalse();
    }

    /** Vocabularies in the style of Llama 2 put a space before the first word and fall back to bytes. */
    @ParameterizedTest
    @NullSource
    @ValueSource(strings = { "first", "always", "never" })
    void textsOfVocabulariesThatFallBackToBytesAreJson(String prependScheme, @TempDir Path directory) throws Exception {
        TokenizerFixtures.writeLlama2Style(directory, prependScheme);
        JsonNode schema = MAPPER.readTree(FACTS.replace("\"fox\"", "\"fox\", \"été 文字 😀\""));
        try (TextTokenizer tokenizer = TextTokenizer.load(directory, TokenizerFixtures.llama2Config())) {
            Vocabulary vocabulary = tokenizer.vocabulary();
            JsonConstraint constraint = JsonConstraint.compile(schema, vocabulary);
            SplittableRandom random = new SplittableRandom(1);
            for (int i = 0; i < 100; i++) {
                TokenConstraint answer = constraint.start(constraint.minimumTokens() + random.nextInt(30));
                StreamingTextDecoder decoder = tokenizer.newDecoder(i % 2 == 0);
                StringBuilder text = new StringBuilder();
                while (!answer.isFinished()) {
                    int token = random.nextInt(vocabulary.size());
                    if (answer.allows(token) && !tokenizer.isEndToken(token)) {
                        answer.accept(token);
                        text.append(decoder.next(token));
                    }
                }
                assertThat(decoder.finish()).isEmpty();
                assertThat(text.toString()).doesNotContain("\uFFFD");
                assertThat(MAPPER.readTree(text.toString()).size()).as(text.toString()).isEqualTo(3);
            }
        }
    }

    @Test
    void vocabulariesOfWholeWordsAreRefused(@TempDir Path directory) throws Exception {
        TokenizerFixtures.writeWordLevel(directory, true);
        try (TextTokenizer tokenizer = TextTokenizer.load(directory, TokenizerFixtures.pocketConfig())) {
            assertThatThrownBy(tokenizer::vocabulary).isInstanceOf(UnsupportedOperationException.class)
                    .hasMessageContaining("cannot be held to a schema");
        }
    }
}
