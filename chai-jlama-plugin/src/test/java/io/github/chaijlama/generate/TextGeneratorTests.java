// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.ContextLengthException;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.kv.KvCacheFullException;
import io.github.chaijlama.prefix.PrefixCache;
import io.github.chaijlama.profile.ClusterProfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/**
 * Generation on Pocket: model, tokenizer, decoding are real; where a certain answer is needed a sampler follows a
 * script.
 */
class TextGeneratorTests {
    private static final int END = 1;
    private static ChaiModel model;
    private static TextTokenizer tokenizer;

    @BeforeAll
    static void load() {
        model = ChaiModel.load(TestModels.POCKET,
                ChaiOptions.clustered(ClusterProfile.read(TestModels.POCKET_PROFILE)));
        tokenizer = TokenizerFixtures.pocket();
    }

    @AfterAll
    static void close() {
        model.close();
        tokenizer.close();
    }

    /** A generator whose answers are these tokens, then end tokens. */
    private static TextGenerator scripted(int... script) {
        return new TextGenerator(model, tokenizer, options -> {
            int[] at = { 0 };
            return logits -> at[0] < script.length ? script[at[0]++] : END;
        }, new PrefixCache(model, 0));
    }

    private static GenerationResult run(TextGenerator generator, GenerationOptions options) {
        return generator.generate(tokenizer.encodePrompt("Once"), true, options, GenerationListener.NONE,
                new Cancellation());
    }

    private static int[] concat(int[] tokens, int... more) {
        return IntStream.concat(Arrays.stream(tokens), Arrays.stream(more)).toArray();
    }

    @Test
    void textInAnyLanguageSurvivesEncodingGenerationAndDecoding() {
        for (String text : TokenizerFixtures.TEXTS) {
            int[] tokens = tokenizer.encode(text);
            List<String> pieces = new ArrayList<>();
            GenerationResult result = scripted(tokens).generate(tokenizer.encodePrompt(text), true,
                    GenerationOptions.DEFAULT, (token, piece) -> pieces.add(piece), new Cancellation());

            assertThat(result.text()).isEqualTo(text);
            assertThat(String.join("", pieces)).isEqualTo(text);
            assertThat(result.finishReason()).isEqualTo(FinishReason.END_TOKEN);
            assertThat(result.generatedTokens()).isEqualTo(tokens.length + 1);
            assertThat(result.promptTokens()).isEqualTo(tokens.length);
        }
    }

    @Test
    void anEndTokenAsTheVeryFirstTokenEndsTheAnswer() {
        List<Integer> heard = new ArrayList<>();
        GenerationResult result = scripted().generate(tokenizer.encodePrompt("Once"), true, GenerationOptions.DEFAULT,
                (token, text) -> heard.add(token), new Cancellation());

        assertThat(result.text()).isEmpty();
        assertThat(result.finishReason()).isEqualTo(FinishReason.END_TOKEN);
        assertThat(result.generatedTokens()).isEqualTo(1);
        assertThat(heard).isEmpty();
    }

    @Test
    void maxNewTokensIsALimitOfNewTokens() {
        int[] tokens = tokenizer.encode("a story about a fox");
        GenerationResult result = run(scripted(tokens), GenerationOptions.DEFAULT.withMaxNewTokens(3));

        assertThat(result.finishReason()).isEqualTo(FinishReason.MAX_TOKENS);
        assertThat(result.generatedTokens()).isEqualTo(3);
        assertThat(result.text()).isEqualTo(tokenizer.decode(Arrays.copyOf(tokens, 3)));
    }

    @Test
    void anAnswerThatEndsWithinTheLimitWasNotCut() {
        int[] tokens = tokenizer.encode("a fox");
        GenerationResult result = run(scripted(tokens), GenerationOptions.DEFAULT.withMaxNewTokens(tokens.length + 1));
        assertThat(result.finishReason()).isEqualTo(FinishReason.END_TOKEN);
    }

    @Test
    void stopSequencesEndTheAnswerAndAreNotPartOfIt() {
        int[] tokens = tokenizer.encode("The fox went home. The end. And more");
        for (String stop : List.of(" The end", "home. T", "xyz", "d. ")) {
            StringBuilder heard = new StringBuilder();
            GenerationResult result = scripted(tokens).generate(tokenizer.encodePrompt("Once"), true,
                    GenerationOptions.DEFAULT.withStopSequences(List.of(stop)), new GenerationListener() {
                        @Override
                        public void onToken(int token, String text) {
                            heard.append(text);
                        }

                        @Override
                        public void onRemainingText(String text) {
                            heard.append(text);
                        }
                    }, new Cancellation());

            String whole = "The fox went home. The end. And more";
            boolean occurs = whole.contains(stop);
            assertThat(result.text()).isEqualTo(occurs ? whole.substring(0, whole.indexOf(stop)) : whole);
            assertThat(heard.toString()).isEqualTo(result.text());
            assertThat(result.finishReason())
                    .isEqualTo(occurs ? FinishReason.STOP_SEQUENCE : FinishReason.END_TOKEN);
        }
    }

    @Test
    void theEndOfTheContextIsAFinishReason() {
        int context = model.config().contextLength();
        int[] prompt = TestModels.tokens(context - 5, 1024, 1);
        int[] endless = TestModels.tokens(100, 200, 2);
        Arrays.setAll(endless, i -> 300 + endless[i]);

        GenerationResult result = scripted(endless).generate(prompt, true, GenerationOptions.DEFAULT,
                GenerationListener.NONE, new Cancellation());
        assertThat(result.finishReason()).isEqualTo(FinishReason.CONTEXT_FULL);
        assertThat(result.generatedTokens()).isEqualTo(5);

        GenerationResult limited = scripted(endless).generate(prompt, true,
                GenerationOptions.DEFAULT.withMaxNewTokens(5),
                GenerationListener.NONE, new Cancellation());
        assertThat(limited.finishReason()).isEqualTo(FinishReason.MAX_TOKENS);

        GenerationResult none = scripted(endless).generate(concat(prompt, 9, 9, 9, 9, 9), true,
                GenerationOptions.DEFAULT, GenerationListener.NONE, new Cancellation());
        assertThat(none.finishReason()).isEqualTo(FinishReason.CONTEXT_FULL);
        assertThat(none.generatedTokens()).isZero();
        assertThat(none.text()).isEmpty();

        assertThatThrownBy(() -> scripted(endless).generate(concat(prompt, 9, 9, 9, 9, 9, 9), true,
                GenerationOptions.DEFAULT, GenerationListener.NONE, new Cancellation()))
                .isInstanceOf(ContextLengthException.class).hasMessageContaining("2048").hasMessageContaining("2049");
    }

    @Test
    void cancellingKeepsTheAnswerSoFar() {
        int[] tokens = tokenizer.encode("The fox went home and slept.");
        Cancellation cancellation = new Cancellation();
        List<String> pieces = new ArrayList<>();
        GenerationResult result = scripted(tokens).generate(tokenizer.encodePrompt("Once"), true,
                GenerationOptions.DEFAULT, (token, text) -> {
                    pieces.add(text);
                    if (pieces.size() == 3) {
                        cancellation.cancel();
                    }
                }, cancellation);

        assertThat(result.finishReason()).isEqualTo(FinishReason.CANCELLED);
        assertThat(result.generatedTokens()).isEqualTo(3);
        assertThat(result.text()).isEqualTo(String.join("", pieces)).isNotEmpty();
    }

    @Test
    void cancellingBeforeTheStartGeneratesNothing() {
        Cancellation cancellation = new Cancellation();
        cancellation.cancel();
        GenerationResult result = scripted(300).generate(tokenizer.encodePrompt("Once"), true,
                GenerationOptions.DEFAULT, GenerationListener.NONE, cancellation);
        assertThat(result.finishReason()).isEqualTo(FinishReason.CANCELLED);
        assertThat(result.generatedTokens()).isZero();
    }

    @Test
    void anExceptionOfTheListenerReachesTheCallerAndLeavesNothingBehind() {
        assertThatThrownBy(() -> scripted(300, 301, 302).generate(tokenizer.encodePrompt("Once"), true,
                GenerationOptions.DEFAULT, (token, text) -> {
                    throw new IllegalStateException("listener");
                }, new Cancellation())).isInstanceOf(IllegalStateException.class).hasMessage("listener");
        assertThat(model.kvCacheAllocatedBytes()).isZero();
    }

    @Test
    void anIncompleteCharacterAtTheEndIsReplaced() {
        int[] tokens = tokenizer.encode("a中");
        List<String> rest = new ArrayList<>();
        GenerationResult result = scripted(tokens[0], tokens[1]).generate(tokenizer.encodePrompt("Once"), true,
                GenerationOptions.DEFAULT, new GenerationListener() {
                    @Override
                    public void onToken(int token, String text) {}

                    @Override
                    public void onRemainingText(String text) {
                        rest.add(text);
                    }
                }, new Cancellation());
        assertThat(result.text()).isEqualTo("a\uFFFD");
        assertThat(rest).containsExactly("\uFFFD");
    }

    @ParameterizedTest
    @ValueSource(longs = { 1, 2, 77 })
    void theSameSeedGivesTheSameText(long seed) {
        try (TextModel text = TextModel.load(TestModels.POCKET, ChaiOptions.exact())) {
            int[] prompt = text.chatPrompt(List.of(ChatMessage.user("Tell me a story.")));
            GenerationOptions options = GenerationOptions.DEFAULT.withMaxNewTokens(60)
                    .withSampling(new SamplingOptions(1.2, 40, 0.95, seed));
            String first = text.chat(prompt, options, GenerationListener.NONE, new Cancellation()).text();
            String second = text.chat(prompt, options, GenerationListener.NONE, new Cancellation()).text();
            assertThat(second).isEqualTo(first).isNotEmpty();
        }
    }

    @Test
    void attentionCanBeChosenPerAnswer() {
        int[] script = tokenizer.encode("The fox went home.");
        GenerationResult clustered = run(scripted(script), GenerationOptions.DEFAULT);
        GenerationResult exact = run(scripted(script), GenerationOptions.DEFAULT.withAttention(AttentionMode.EXACT));
        assertThat(clustered.attention()).isEqualTo(AttentionMode.CLUSTERED);
        assertThat(exact.attention()).isEqualTo(AttentionMode.EXACT);
        assertThat(clustered.kvCacheBytes()).hasValue(exact.kvCacheBytes().orElseThrow() * 88 / 96);
    }

    @Test
    void aBudgetSpentHalfWayIsAClearErrorAndLeavesNothingBehind() {
        // One page of 128 positions for 6 layers, 8 heads, keys and values.
        long budget = 96L * 128 * 32 * Float.BYTES;
        try (ChaiModel small = ChaiModel.load(TestModels.POCKET,
                ChaiOptions.exact().with(change -> change.kvCacheMaxBytes(budget)))) {
            int[] heard = { 0 };
            TextGenerator generator = new TextGenerator(small, tokenizer, options -> logits -> 300,
                    new PrefixCache(small, 0));
            assertThatThrownBy(() -> generator.generate(TestModels.tokens(100, 1024, 1), true,
                    GenerationOptions.DEFAULT, (token, text) -> heard[0]++, new Cancellation()))
                    .isInstanceOf(KvCacheFullException.class);
            assertThat(heard[0]).isEqualTo(29);
            assertThat(small.kvCacheAllocatedBytes()).isZero();
        }
    }

    @Test
    void impossibleOptionsSayWhatWasExpectedAndFound() {
        assertThatThrownBy(() -> GenerationOptions.DEFAULT.withMaxNewTokens(0))
                .hasMessage("an answer must be allowed at least 1 token, found 0");
        assertThatThrownBy(() -> GenerationOptions.DEFAULT.withStopSequences(List.of("a", "")))
                .hasMessage("a stop sequence must not be empty");
    }
}
