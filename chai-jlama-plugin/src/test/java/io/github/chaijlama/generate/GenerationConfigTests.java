// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.model.ModelLoadException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class GenerationConfigTests {
    @TempDir
    private Path directory;

    private GenerationConfig read(String json) throws IOException {
        Files.writeString(directory.resolve("generation_config.json"), json);
        return GenerationConfig.read(directory);
    }

    @Test
    void aModelWithoutTheFileWantsNothing() {
        assertThat(GenerationConfig.read(directory)).isEqualTo(GenerationConfig.NONE);
        assertThat(GenerationConfig.NONE.describe()).isEmpty();
    }

    @Test
    void readsWhatMakersOfModelsWrite() throws IOException {
        GenerationConfig qwen = read("""
                {"bos_token_id": 151643, "do_sample": true, "eos_token_id": [151645, 151643], "pad_token_id": 151643,
                 "temperature": 0.6, "top_k": 20, "top_p": 0.95, "transformers_version": "4.51.0"}""");
        assertThat(qwen.temperature()).contains(0.6);
        assertThat(qwen.topK()).contains(20);
        assertThat(qwen.topP()).contains(0.95);
        assertThat(qwen.repetitionPenalty()).isEmpty();
        assertThat(qwen.describe()).isEqualTo("temperature 0.6, top-k 20, top-p 0.95");
        assertThat(qwen.ignored()).isEmpty();

        GenerationConfig other = read("{\"do_sample\": true, \"repetition_penalty\": 1.05, \"stop_strings\": \"User:\","
                + "\"min_p\": 0.05, \"typical_p\": 1.0, \"num_beams\": 1, \"suppress_tokens\": [], \"top_h\": null}");
        assertThat(other.temperature()).as("Hugging Face's own").contains(1.0);
        assertThat(other.repetitionPenalty()).contains(1.05);
        assertThat(other.stopSequences()).containsExactly("User:");
        assertThat(other.ignored()).containsExactly("min_p");
        assertThat(other.describe())
                .isEqualTo("temperature 1.0, repetition penalty 1.05, stop sequences [User:]");
        assertThat(read("{\"stop_strings\": [\"a\", \"b\"]}").stopSequences()).containsExactly("a", "b");
    }

    @Test
    void whoDoesNotAskForSamplingGetsTheLikeliestToken() throws IOException {
        for (String json : List.of("{}", "{\"do_sample\": false, \"temperature\": 0.7}", "{\"temperature\": 0.7}",
                "{\"do_sample\": null}")) {
            assertThat(read(json).temperature()).as(json).contains(0.0);
            assertThat(read(json).describe()).as(json).isEmpty();
        }
        GenerationConfig neutral = read(
                "{\"do_sample\": false, \"top_k\": 0, \"top_p\": 1.0, \"repetition_penalty\": 1}");
        assertThat(neutral.topK()).as("0 stands for all").isEmpty();
        assertThat(neutral.topP()).isEmpty();
        assertThat(neutral.repetitionPenalty()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = { "{\"temperature\": -1}; temperature must be 0 or more, found -1",
            "{\"temperature\": \"hot\"}; temperature must be 0 or more, found \"hot\"",
            "{\"temperature\": 1e999}; temperature must be 0 or more, found",
            "{\"top_k\": 1.5}; top_k must be a whole number of 0 or more, found 1.5",
            "{\"top_k\": 1e10}; top_k must be a whole number of 0 or more, found",
            "{\"top_p\": 0}; top_p must be above 0 and at most 1, found 0",
            "{\"repetition_penalty\": 0}; repetition_penalty must be more than 0, found 0",
            "{\"stop_strings\": [\"a\", \"\"]}; stop_strings must be a text or a list of texts, none of them empty,",
            "{\"stop_strings\": 5}; stop_strings must be a text or a list of texts", "[]; must hold a JSON object" })
    void whatIsImpossibleIsNamed(String json, String message) {
        assertThatThrownBy(() -> read(json)).isInstanceOf(ModelLoadException.class)
                .hasMessageContaining("generation_config.json").hasMessageContaining(message);
    }

    @Test
    void theModelHasThemUnlessTheyAreTurnedOff() throws IOException {
        for (String file : List.of("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")) {
            Files.copy(TestModels.POCKET.resolve(file), directory.resolve(file));
        }
        Files.writeString(directory.resolve("generation_config.json"),
                "{\"do_sample\": true, \"temperature\": 0.5, \"eos_token_id\": [1, 2]}");
        try (TextModel model = TextModel.load(directory, ChaiOptions.exact())) {
            assertThat(model.generationConfig().temperature()).contains(0.5);
        }
        try (TextModel model = TextModel.load(directory,
                ChaiOptions.exact().with(change -> change.generationConfig(false)))) {
            assertThat(model.generationConfig()).isEqualTo(GenerationConfig.NONE);
            assertThat(model.tokenizer().endTokens()).as("end tokens are no setting").isEqualTo(Set.of(1, 2));
        }
    }

    /** As transformers' RepetitionPenaltyLogitsProcessor: of prompt and answer, whatever the sign of the logit. */
    @Test
    void repetitionIsPunishedInPromptAndAnswer() {
        float[] logits = { 2, 1.9f, -1, -1.1f };
        Sampler sampler = Sampler
                .of(SamplingOptions.GREEDY.withPenalties(new RepetitionPenalties(0, 0, 1.2)));
        sampler.begin(new int[]{ 0, 2, 0 });
        assertThat(sampler.sample(logits)).as("2 / 1.2 is less than 1.9").isEqualTo(1);
        assertThat(sampler.sample(logits)).as("1.9 / 1.2 is less than 2 / 1.2").isEqualTo(0);
        RepetitionPenalties penalties = new RepetitionPenalties(0, 0, 1.2);
        float[] applied = penalties.applied(logits, Set.of(0, 2), java.util.Map.of(2, 3));
        assertThat(applied).containsExactly((float) (2 / 1.2), 1.9f, -1.2f, -1.1f);
        assertThat(new RepetitionPenalties(0.5, 0, 1.2).applied(logits, Set.of(), java.util.Map.of(0, 2))[0])
                .isEqualTo((float) (2 / 1.2) - 1);
        for (double impossible : new double[]{ 0, -1, Double.NaN, Double.POSITIVE_INFINITY }) {
            assertThatThrownBy(() -> new RepetitionPenalties(0, 0, impossible))
                    .hasMessage("repetition penalty must be more than 0, found " + impossible);
        }
    }
}
