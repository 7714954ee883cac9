// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Function;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidationMessage;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.generate.Cancellation;
import io.github.chaijlama.generate.ChatMessage;
import io.github.chaijlama.generate.GenerationListener;
import io.github.chaijlama.generate.GenerationOptions;
import io.github.chaijlama.generate.SamplingOptions;
import io.github.chaijlama.generate.TextModel;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Whatever is sampled, with however few tokens, is a value of the schema: random schemas, random logits, judged by a
 * validator that knows nothing of this package.
 */
class RandomAnswersTests {
    private static final ObjectMapper MAPPER = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();
    private static final int SCHEMAS = 100;
    private static final int ANSWERS = 20;

    @ParameterizedTest
    @ValueSource(strings = { "pocket", "bytes" })
    void everyAnswerIsAValueOfItsSchema(String name) throws Exception {
        Vocabulary vocabulary = name.equals("pocket") ? Vocabularies.pocket()
                : Vocabularies.of("\":", "\", \"", "{\"", "}}", "]]", "\"}", " \"", "ï", "文字", "\\u", "12", "null",
                        "true");
        RandomSchemas schemas = new RandomSchemas(42);
        SplittableRandom random = new SplittableRandom(7);
        int notShortest = 0;
        for (int i = 0; i < SCHEMAS; i++) {
            ObjectNode schema = schemas.next();
            JsonConstraint constraint = JsonConstraint.compile(schema, vocabulary);
            JsonSchema validator = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012).getSchema(schema);
            for (int answer = 0; answer < ANSWERS; answer++) {
                int maxTokens = constraint.minimumTokens() + (answer < 3 ? answer : random.nextInt(60));
                String text = sample(constraint, vocabulary, maxTokens, random);
                Set<ValidationMessage> wrong = validator.validate(parse(text, schema));
                assertThat(wrong).as("%s for %s", text, schema).isEmpty();
                notShortest += text.length() > 12 ? 1 : 0;
            }
        }
        assertThat(notShortest).as("answers of some length").isGreaterThan(SCHEMAS * ANSWERS / 2);
    }

    /**
     * The same with the model: it takes a minute. What it said is in {@code target/structured-output.txt} afterwards.
     */
    @Test
    @Tag("long")
    void everyAnswerOfPocketIsAValueOfItsSchema() throws IOException {
        StringBuilder transcript = new StringBuilder();
        RandomSchemas schemas = new RandomSchemas(43);
        SplittableRandom random = new SplittableRandom(8);
        try (TextModel model = TextModel.load(TestModels.POCKET, ChaiOptions.exact())) {
            int[] prompt = model.chatPrompt(List.of(ChatMessage.user("Tell me a story about a fox.")));
            for (int i = 0; i < SCHEMAS; i++) {
                ObjectNode schema = schemas.next();
                transcript.append(schema).append('\n');
                JsonConstraint constraint = JsonConstraint.compile(schema, model.tokenizer().vocabulary());
                JsonSchema validator = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012).getSchema(schema);
                for (int answer = 0; answer < ANSWERS; answer++) {
                    int maxTokens = constraint.minimumTokens() + (answer < 3 ? answer : random.nextInt(60));
                    String text = model.chat(prompt, GenerationOptions.DEFAULT.withConstraint(constraint)
                            .withMaxNewTokens(maxTokens)
                            .withSampling(new SamplingOptions(1.5, null, 1, random.nextLong())),
                            GenerationListener.NONE, new Cancellation()).text();
                    assertThat(validator.validate(parse(text, schema))).as("%s for %s", text, schema).isEmpty();
                    transcript.append("  %3d %s%n".formatted(maxTokens, text));
                }
            }
        }
        Files.writeString(Path.of("target/structured-output.txt"), transcript);
    }

    private static JsonNode parse(String text, JsonNode schema) {
        try {
            return MAPPER.readTree(text);
        } catch (JsonProcessingException e) {
            throw new AssertionError(text + " for " + schema + ": " + e.getOriginalMessage(), e);
        }
    }

    /**
     * Samples from logits with a standard deviation of 2 (temperature 1.5, say), end tokens less likely than in a
     * model.
     */
    static String sample(JsonConstraint constraint, Vocabulary vocabulary, int maxTokens, SplittableRandom random)
            throws CharacterCodingException {
        TokenConstraint answer = constraint.start(maxTokens);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        boolean takesCertain = random.nextBoolean();
        Function<String, int[]> tokenizer = Vocabularies.longestFirst(vocabulary);
        while (!answer.isFinished()) {
            if (takesCertain) {
                takeCertain(answer, tokenizer, vocabulary, bytes);
                if (answer.isFinished()) {
                    break;
                }
            }
            float[] logits = new float[vocabulary.size()];
            for (int token = 0; token < logits.length; token++) {
                logits[token] = 2 * (float) random.nextGaussian();
            }
            answer.mask(logits);
            int token = choose(logits, random);
            assertThat(answer.allows(token)).isTrue();
            if (vocabulary.endTokens().contains(token)) {
                break;
            }
            assertThat(answer.minimumTokens()).isLessThanOrEqualTo(answer.tokensLeft());
            answer.accept(token);
            bytes.writeBytes(vocabulary.bytes(token));
        }
        assertThat(answer.isComplete()).isTrue();
        return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes.toByteArray())).toString();
    }

    /** Takes tokens that need not be chosen, as far as there are some. */
    private static void takeCertain(TokenConstraint answer, Function<String, int[]> tokenizer, Vocabulary vocabulary,
            ByteArrayOutputStream bytes) {
        TokenConstraint.NextText next = answer.nextText(tokenizer);
        for (int i = 0; i < next.certain(); i++) {
            answer.accept(next.tokens()[i]);
            bytes.writeBytes(vocabulary.bytes(next.tokens()[i]));
            assertThat(answer.minimumTokens()).isLessThanOrEqualTo(answer.tokensLeft());
        }
    }

    private static int choose(float[] logits, SplittableRandom random) {
        int best = -1;
        double highest = Double.NEGATIVE_INFINITY;
        for (int token = 0; token < logits.length; token++) {
            // Gumbel noise on top makes the highest a sample of the softmax.
            double noisy = logits[token] - Math.log(-Math.log(random.nextDouble(1e-12, 1)));
            if (logits[token] > Float.NEGATIVE_INFINITY && noisy > highest) {
                highest = noisy;
                best = token;
            }
        }
        assertThat(best).as("tokens that may come").isNotNegative();
        return best;
    }
}
