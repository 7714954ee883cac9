// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.ContextLengthException;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.profile.ClusterProfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/**
 * Requests at the edge of what can be asked, on a real model; after each of them nothing is left but what later
 * requests may go on with.
 */
class RequestEdgeTests {
    private static TextModel model;

    @BeforeAll
    static void load() {
        model = TextModel.load(TestModels.POCKET,
                ChaiOptions.clustered(ClusterProfile.read(TestModels.POCKET_PROFILE)));
    }

    @AfterAll
    static void close() {
        model.close();
    }

    @AfterEach
    void nothingIsLeft() {
        model.closeIdleSequences();
        assertThat(model.model().kvCacheAllocatedBytes()).isZero();
    }

    private static GenerationResult complete(int[] prompt, GenerationOptions options, GenerationListener listener,
            Cancellation cancellation) {
        return model.complete(prompt, options, listener, cancellation);
    }

    private static GenerationResult complete(int[] prompt, GenerationOptions options) {
        return complete(prompt, options, GenerationListener.NONE, new Cancellation());
    }

    @Test
    void anEmptyMessageIsAnswered() {
        GenerationResult result = model.chat(model.chatPrompt(List.of(ChatMessage.user(""))),
                GenerationOptions.DEFAULT.withMaxNewTokens(20), GenerationListener.NONE, new Cancellation());
        assertThat(result.generatedTokens()).isPositive();
    }

    @Test
    void aPromptWithoutTokensIsRefused() {
        assertThatThrownBy(() -> complete(new int[0], GenerationOptions.DEFAULT))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the prompt must have at least 1 token, found 0");
    }

    @ParameterizedTest
    @EnumSource(value = AttentionMode.class, names = { "EXACT", "CLUSTERED" })
    void aPromptOfOneTokenIsContinued(AttentionMode attention) {
        GenerationResult result = complete(new int[]{ model.tokenizer().bosToken().orElseThrow() },
                GenerationOptions.DEFAULT.withAttention(attention).withMaxNewTokens(30));
        assertThat(result.promptTokens()).isEqualTo(1);
        assertThat(result.generatedTokens()).isBetween(1, 30);
    }

    /** Each of the last positions of the context, and the one behind it. */
    @ParameterizedTest
    @CsvSource({ "-2, 2", "-1, 1", "0, 0" })
    void promptsUpToTheEndOfTheContextAreAnswered(int distance, int generated) {
        int context = model.model().config().contextLength();
        int[] prompt = TestModels.tokens(context + distance, 1024, 1);
        GenerationResult result = complete(prompt, GenerationOptions.DEFAULT);
        if (result.finishReason() != FinishReason.END_TOKEN) {
            assertThat(result.finishReason()).isEqualTo(FinishReason.CONTEXT_FULL);
            assertThat(result.generatedTokens()).isEqualTo(generated);
        }
        assertThatThrownBy(() -> complete(TestModels.tokens(context + 1, 1024, 1), GenerationOptions.DEFAULT))
                .isInstanceOf(ContextLengthException.class);
    }

    @ParameterizedTest
    @CsvSource({ "1e-300, 1, 1", "1e300, 1, 1024", "1, 1e-300, 1024", "1, 1, 2147483647", "0, 1e-300, 1" })
    void extremeSamplingStaysWithinTheVocabulary(double temperature, double topP, int topK) {
        GenerationResult result = complete(model.tokenizer().encodePrompt("Once there was"), GenerationOptions.DEFAULT
                .withMaxNewTokens(12).withSampling(new SamplingOptions(temperature, topK, topP, 5L)));
        assertThat(result.generatedTokens()).isBetween(1, 12);
    }

    @ParameterizedTest
    @CsvSource({ "NaN, 1", "-0.1, 1", "Infinity, 1", "1, 0", "1, 1.01", "1, NaN" })
    void absurdSamplingIsRefused(double temperature, double topP) {
        assertThatThrownBy(() -> new SamplingOptions(temperature, null, topP, null))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("found");
    }

    /** Every beginning and end within the text of an answer, wherever its tokens begin and end. */
    @Test
    void stopSequencesAreFoundAcrossTokens() {
        int[] prompt = model.chatPrompt(List.of(ChatMessage.user("Tell me a story about a fox named Ruby.")));
        GenerationOptions options = GenerationOptions.DEFAULT.withMaxNewTokens(24);
        String whole = complete(prompt, options).text();
        for (int start = 0; start + 3 < whole.length(); start += 3) {
            String stop = whole.substring(start, Math.min(whole.length(), start + 2 + start % 5));
            GenerationResult result = complete(prompt, options.withStopSequences(List.of("never", stop)));
            assertThat(result.text()).as(stop).isEqualTo(whole.substring(0, whole.indexOf(stop)));
            assertThat(result.finishReason()).isEqualTo(FinishReason.STOP_SEQUENCE);
        }
    }

    @Test
    void cancellingIsPossibleAtEveryToken() {
        int[] prompt = model.chatPrompt(List.of(ChatMessage.user("Tell me a story about a fox named Ruby.")));
        GenerationOptions options = GenerationOptions.DEFAULT.withMaxNewTokens(15);
        String whole = complete(prompt, options).text();
        for (int at = 1; at < 15; at++) {
            int cancelAt = at;
            Cancellation cancellation = new Cancellation();
            AtomicInteger tokens = new AtomicInteger();
            List<String> pieces = new ArrayList<>();
            GenerationResult result = complete(prompt, options, (token, text) -> {
                pieces.add(text);
                if (tokens.incrementAndGet() == cancelAt) {
                    cancellation.cancel();
                }
            }, cancellation);
            assertThat(result.generatedTokens()).isEqualTo(at);
            assertThat(result.finishReason()).isEqualTo(FinishReason.CANCELLED);
            assertThat(whole).startsWith(result.text());
            assertThat(pieces).hasSize(at);
        }
    }

    @Test
    void anExceptionOfTheListenerEndsTheAnswerAtEveryToken() {
        int[] prompt = model.chatPrompt(List.of(ChatMessage.user("Hello!")));
        for (int at = 1; at < 6; at++) {
            int failAt = at;
            AtomicInteger tokens = new AtomicInteger();
            assertThatThrownBy(() -> complete(prompt, GenerationOptions.DEFAULT, (token, text) -> {
                if (tokens.incrementAndGet() == failAt) {
                    throw new IllegalStateException("token " + failAt);
                }
            }, new Cancellation())).isInstanceOf(IllegalStateException.class).hasMessage("token " + at);
            assertThat(tokens).hasValue(at);
            model.closeIdleSequences();
            assertThat(model.model().kvCacheAllocatedBytes()).isZero();
        }
    }
}
