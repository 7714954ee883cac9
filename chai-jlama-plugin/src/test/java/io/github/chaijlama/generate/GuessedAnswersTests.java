// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SplittableRandom;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Operators;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.constrain.JsonConstraint;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.schedule.AnswerSteps;
import io.github.chaijlama.schedule.SchedulerLimits;

import static org.assertj.core.api.Assertions.assertThat;

/** Answers whose tokens are guessed are those that come without guesses, in fewer steps. */
class GuessedAnswersTests {
    private static final int END = 1;
    private static final String FACTS = """
            {"type": "object", "properties": {"home": {"type": "string"}, "place": {"type": "string"},
             "weather": {"type": "string"}, "animal": {"type": "string"}},
             "required": ["home", "place", "weather", "animal"]}""";

    /** An answer, and everything that its listener heard. */
    private record Heard(GenerationResult result, List<String> calls) {

        static Heard of(TextModel model, int[] prompt, GenerationOptions options) {
            List<String> calls = new ArrayList<>();
            GenerationResult result = model.chat(prompt, options, new GenerationListener() {
                @Override
                public void onToken(int token, String text) {
                    calls.add(token + " " + text);
                }

                @Override
                public void onRemainingText(String text) {
                    calls.add(text);
                }
            }, new Cancellation());
            return new Heard(result, calls);
        }

        void assertIsLike(Heard other) {
            assertThat(calls).isEqualTo(other.calls);
            assertThat(result.text()).isEqualTo(other.result.text());
            assertThat(result.finishReason()).isEqualTo(other.result.finishReason());
            assertThat(result.generatedTokens()).isEqualTo(other.result.generatedTokens());
            assertThat(result.kvCacheBytes()).isEqualTo(other.result.kvCacheBytes()).isNotEqualTo(OptionalLong.empty());
        }
    }

    private static ChaiOptions options(String membership, KvType type) {
        ModelConfig config = ModelConfig.read(TestModels.POCKET);
        List<Integer> clusters = Collections.nCopies(config.layers(), config.numberOfHeads() / 2);
        ChaiOptions options = switch (membership) {
            case "exact" -> ChaiOptions.exact();
            case "static" -> ChaiOptions.clustered(ClusterProfile.read(TestModels.POCKET_PROFILE));
            // Longer than some prompts: guesses wait until it is over.
            case "online" -> ChaiOptions.clustered(new ClusterProfile(config.shape(), clusters, new Membership.Online(
                    120, 5, ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.MEDOID)));
            default -> ChaiOptions.clustered(new ClusterProfile(config.shape(), clusters,
                    new Membership.Prompt(ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.MEDOID)));
        };
        return options.with(change -> change.kvCacheType(type).operators(Operators.VECTOR));
    }

    private static JsonConstraint facts(TextModel model) {
        try {
            return JsonConstraint.compile(new ObjectMapper().readTree(FACTS), model.tokenizer().vocabulary());
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    private static int[] prompt(TextModel model, String message) {
        return model.chatPrompt(List.of(ChatMessage.user(message)));
    }

    private static GenerationOptions any(TextModel model, int seed) {
        SplittableRandom random = new SplittableRandom(seed);
        SamplingOptions sampling = random.nextInt(3) == 0 ? SamplingOptions.GREEDY
                : new SamplingOptions(random.nextDouble(0.2, 1.2), random.nextBoolean() ? 30 : null, 0.95, (long) seed);
        if (random.nextInt(3) == 0) {
            sampling = sampling.withPenalties(new RepetitionPenalties(random.nextDouble(-1, 0.5), 0.1, 1.05));
        }
        GenerationOptions options = GenerationOptions.DEFAULT.withSampling(sampling)
                .withMaxNewTokens(40 + random.nextInt(30));
        return switch (random.nextInt(3)) {
            case 0 -> options.withConstraint(facts(model));
            case 1 -> options.withStopSequences(List.of(" the l", " and", "ger"));
            default -> options;
        };
    }

    @ParameterizedTest
    @CsvSource({ "exact, F32", "static, F32", "online, F32", "prompt, F32", "static, I8", "online, I8",
            "exact, BF16" })
    void areTheSameInFewerSteps(String membership, KvType type) {
        AnswerSteps all = AnswerSteps.NONE;
        int tokens = 0;
        try (TextModel model = TextModel.load(TestModels.POCKET, options(membership, type), SchedulerLimits.DEFAULT)) {
            for (int seed = 0; seed < 24; seed++) {
                Stories stories = new Stories(seed);
                int[] prompt = prompt(model, switch (seed % 4) {
                    case 0 -> stories.extraction();
                    case 1 -> "Tell me a story about a fox named Ruby.";
                    default -> stories.question();
                });
                GenerationOptions options = any(model, seed);
                Heard without = Heard.of(model, prompt, options);
                Heard with = Heard.of(model, prompt, options.withGuess(true));
                with.assertIsLike(without);
                assertThat(without.result.counts().guessedTokens()).isZero();
                AnswerSteps counts = with.result.counts();
                assertThat(counts.steps()).isLessThanOrEqualTo(without.result.counts().steps());
                all = new AnswerSteps(all.steps() + counts.steps(), all.guessedTokens() + counts.guessedTokens(),
                        all.rightGuesses() + counts.rightGuesses());
                tokens += with.result.generatedTokens();
            }
        }
        assertThat(all.rightGuesses()).isGreaterThan(30);
        assertThat(all.guessedTokens()).isGreaterThan(all.rightGuesses() + 30);
        assertThat(all.steps()).isLessThan(tokens - 100);
    }

    /** A model that answers with its prompt, so that everything is guessed right, and what ends it comes in a guess. */
    @ParameterizedTest
    @ValueSource(ints = { 1, 5, 6, 7, 8, 9, 20, 33, 1000 })
    void endWhereTheyEndWithoutGuesses(int maxTokens) {
        int[] script;
        try (TextTokenizer tokenizer = TokenizerFixtures.pocket()) {
            script = tokenizer.encode(new Stories(3).question());
        }
        try (TextModel model = TextModel.load(TestModels.POCKET, options("exact", KvType.F32), sampling -> {
            int[] at = { 0 };
            return logits -> at[0] < script.length ? script[at[0]++] : END;
        }, Optional.of(SchedulerLimits.DEFAULT))) {
            int[] prompt = prompt(model, new Stories(3).question());
            for (List<String> stop : List.of(List.<String>of(), List.of(" morning, "), List.of("xyz", "hone"))) {
                GenerationOptions options = GenerationOptions.DEFAULT.withMaxNewTokens(maxTokens)
                        .withStopSequences(stop);
                Heard without = Heard.of(model, prompt, options);
                Heard with = Heard.of(model, prompt, options.withGuess(true));
                with.assertIsLike(without);
                if (maxTokens > 8) {
                    assertThat(with.result.counts().steps()).isLessThan(without.result.counts().steps() - 2);
                }
            }
        }
    }

    private static double stepsPerToken(TextModel model, List<int[]> prompts, GenerationOptions options) {
        int steps = 0;
        int tokens = 0;
        for (int[] prompt : prompts) {
            GenerationResult result = Heard.of(model, prompt, options).result;
            steps += result.counts().steps();
            tokens += result.generatedTokens();
        }
        return (double) steps / tokens;
    }

    @Test
    void takeFarFewerStepsThanTokensWhereTheyAreJsonOrQuoteThePrompt() {
        try (TextModel model = TextModel.load(TestModels.POCKET, options("static", KvType.F32),
                SchedulerLimits.DEFAULT)) {
            List<int[]> extractions = new ArrayList<>();
            List<int[]> questions = new ArrayList<>();
            Stories stories = new Stories(11);
            for (int i = 0; i < 20; i++) {
                extractions.add(prompt(model, stories.extraction()));
                questions.add(prompt(model, stories.question()));
            }
            GenerationOptions json = GenerationOptions.DEFAULT.withMaxNewTokens(100).withConstraint(facts(model));
            GenerationOptions free = GenerationOptions.DEFAULT.withMaxNewTokens(100);

            assertThat(stepsPerToken(model, questions, free)).isEqualTo(1);
            assertThat(stepsPerToken(model, questions, free.withGuess(true))).isLessThan(0.65);
            assertThat(stepsPerToken(model, extractions, free.withGuess(true))).isLessThan(0.65);
            assertThat(stepsPerToken(model, extractions, json)).isLessThan(0.5);
            assertThat(stepsPerToken(model, extractions, json.withGuess(true))).isLessThan(0.45);
        }
    }
}
