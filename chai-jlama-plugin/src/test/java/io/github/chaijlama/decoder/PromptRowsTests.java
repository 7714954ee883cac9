// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.Operators;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.attention.AttentionSequence;
import io.github.chaijlama.blas.TestBlas;
import io.github.chaijlama.families.FamilyModels;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * With BLAS, where rows of prompts have an order of sums of their own: whatever shares a step with a row, and however
 * its prompt is cut, its bits are the same.
 */
class PromptRowsTests {
    private static final long BUDGET = 64L << 20;
    private static final int PROMPT = 40;

    @TempDir
    Path directory;

    @BeforeEach
    void requireBlas() {
        TestBlas.require();
    }

    private LoadedDecoder model(String family, Operators operators) {
        Path model = directory.resolve(family);
        return new LoadedDecoder(model.toFile().exists() ? model : FamilyModels.write(model, family), BUDGET,
                operators);
    }

    /** The logits of a prompt, fed in pieces, and of two tokens that are generated. */
    private static float[][] alone(LoadedDecoder model, int[] tokens, int piece) {
        AttentionSequence sequence = model.newSequence(model.exact());
        List<float[]> logits = new ArrayList<>();
        for (int from = 0; from < PROMPT; from += piece) {
            logits.addAll(List.of(step(model, sequence, tokens, Math.min(piece, PROMPT - from))));
        }
        sequence.endPrompt();
        for (int i = 0; i < 2; i++) {
            logits.addAll(List.of(step(model, sequence, tokens, 1)));
        }
        model.decoder.end(sequence);
        return logits.toArray(float[][]::new);
    }

    private static float[][] step(LoadedDecoder model, AttentionSequence sequence, int[] tokens, int count) {
        return model.decoder.step(List.of(run(sequence, tokens, count)));
    }

    private static StepRun run(AttentionSequence sequence, int[] tokens, int count) {
        return new StepRun(sequence, tokens, sequence.length(), count, count);
    }

    private static int[] tokens(LoadedDecoder model, int seed) {
        return TestModels.tokens(PROMPT + 2, model.config.vocabularySize(), seed);
    }

    /** Pieces of 3 rows and more: for fewer, attention itself has another order of sums, with all operators. */
    @ParameterizedTest
    @ValueSource(strings = { "llama-gqa", "gemma2", "mixtral", "gpt2" })
    void howAPromptIsCutMakesNoDifference(String family) {
        try (LoadedDecoder model = model(family, Operators.BLAS)) {
            int[] tokens = tokens(model, 1);
            float[][] whole = alone(model, tokens, PROMPT);
            for (int piece : new int[]{ 4, 5, 7, 20, 37 }) {
                assertThat(alone(model, tokens, piece)).as("%d at a time", piece).isDeepEqualTo(whole);
            }
        }
    }

    /** Three sequences: one reads its prompt, one generates, one comes later. */
    @ParameterizedTest
    @ValueSource(strings = { "llama-gqa", "gemma2", "mixtral", "gpt2" })
    void whatSharesAStepMakesNoDifference(String family) {
        try (LoadedDecoder model = model(family, Operators.BLAS)) {
            int[] tokens = tokens(model, 1);
            int[] others = tokens(model, 2);
            float[][] expected = alone(model, tokens, PROMPT);
            float[][] expectedOfOthers = alone(model, others, PROMPT);
            AttentionSequence first = model.newSequence(model.exact());
            AttentionSequence second = model.newSequence(model.exact());
            AttentionSequence third = model.newSequence(model.exact());

            step(model, first, tokens, PROMPT);
            first.endPrompt();
            float[][] logits = model.decoder.step(
                    List.of(run(second, others, 17), run(first, tokens, 1), run(third, tokens, PROMPT)));
            assertThat(Arrays.copyOf(logits, 17)).isDeepEqualTo(Arrays.copyOf(expectedOfOthers, 17));
            assertThat(logits[17]).isEqualTo(expected[PROMPT]);
            assertThat(Arrays.copyOfRange(logits, 18, 18 + PROMPT)).isDeepEqualTo(Arrays.copyOf(expected, PROMPT));
            third.endPrompt();
            logits = model.decoder.step(
                    List.of(run(first, tokens, 1), run(third, tokens, 1), run(second, others, PROMPT - 17)));
            assertThat(logits[0]).isEqualTo(expected[PROMPT + 1]);
            assertThat(logits[1]).isEqualTo(expected[PROMPT]);
            assertThat(Arrays.copyOfRange(logits, 2, 2 + PROMPT - 17))
                    .isDeepEqualTo(Arrays.copyOfRange(expectedOfOthers, 17, PROMPT));
            Stream.of(first, second, third).forEach(model.decoder::end);
        }
    }

    /** Otherwise nothing here would tell whose products they are. */
    @Test
    void promptsAreMultipliedByBlas() {
        try (LoadedDecoder blas = model("llama-gqa", Operators.BLAS);
                LoadedDecoder vector = model("llama-gqa", Operators.VECTOR)) {
            int[] tokens = tokens(blas, 1);
            assertThat(Arrays.deepEquals(alone(blas, tokens, PROMPT), alone(vector, tokens, PROMPT))).isFalse();
        }
    }

    @Test
    void whatIsGeneratedIsNot() {
        try (LoadedDecoder blas = model("llama-gqa", Operators.BLAS);
                LoadedDecoder vector = model("llama-gqa", Operators.VECTOR)) {
            int[] tokens = tokens(blas, 1);
            List<float[][]> found = Stream.of(blas, vector).map(model -> {
                AttentionSequence sequence = model.newSequence(model.exact());
                sequence.endPrompt(); // before its first token: nothing is a prompt's
                float[][] logits = step(model, sequence, tokens, PROMPT);
                model.decoder.end(sequence);
                return logits;
            }).toList();
            assertThat(found.getFirst()).isDeepEqualTo(found.getLast());
        }
    }

    @Test
    void neitherIsWhatComesAloneInASequenceThatIsToldNothing() {
        try (LoadedDecoder blas = model("llama-gqa", Operators.BLAS);
                LoadedDecoder vector = model("llama-gqa", Operators.VECTOR)) {
            int[] tokens = tokens(blas, 1);
            List<float[][]> found = Stream.of(blas, vector).map(model -> {
                AttentionSequence sequence = model.newSequence(model.exact());
                float[][] logits = new float[8][];
                Arrays.setAll(logits, i -> step(model, sequence, tokens, 1)[0]);
                model.decoder.end(sequence);
                return logits;
            }).toList();
            assertThat(found.getFirst()).isDeepEqualTo(found.getLast());
        }
    }

    @Test
    void aPromptLastsUntilItsEndAndFromTheNextOnesBeginning() {
        try (LoadedDecoder model = model("llama-gqa", Operators.BLAS)) {
            AttentionSequence sequence = model.newSequence(model.exact());
            assertThat(sequence.isPrompt(5)).isTrue();
            step(model, sequence, tokens(model, 1), 5);
            assertThat(sequence.isPrompt(3)).isTrue();
            assertThat(sequence.isPrompt(2)).isFalse(); // an answer's perhaps, nobody has said anything
            sequence.endPrompt();
            assertThat(sequence.isPrompt(5)).isFalse();
            sequence.truncate(3); // as tokens are that were guessed wrongly
            assertThat(sequence.isPrompt(5)).isFalse();
            sequence.beginPrompt();
            assertThat(sequence.isPrompt(1)).isTrue();
            sequence.endPrompt();
            sequence.truncate(0);
            assertThat(sequence.isPrompt(3)).isTrue();
            model.decoder.end(sequence);
        }
    }
}
