// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Test;

import io.github.chaijlama.evaluate.Progress;
import io.github.chaijlama.evaluate.ReadLimits;
import io.github.chaijlama.evaluate.TextEvaluator;
import io.github.chaijlama.evaluate.TextFormat;
import io.github.chaijlama.evaluate.TextSet;
import io.github.chaijlama.generate.TextModel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/**
 * What quantized weights cost on texts that Pocket was not trained on: 40 of the 400 dialogues that docs/quality.md has
 * figures of, written by make_corpus.py.
 */
class WeightPerplexityTests {
    private static final Path TEXTS = Path.of("src/test/resources/pocket/dialogues.jsonl");

    private static double perplexity(WeightType weights) {
        ChaiOptions options = ChaiOptions.exact()
                .with(change -> change.weights(weights).operators(Operators.VECTOR));
        try (TextModel model = TextModel.load(TestModels.POCKET, options)) {
            TextSet texts = TextSet.read(TEXTS, TextFormat.AUTO, model, ReadLimits.ofTokens(2048), bad -> {
                throw new AssertionError(bad);
            });
            assertThat(texts.texts()).hasSize(40);
            return new TextEvaluator(model.model(), texts.texts(), 0).evaluate(List.of(), Progress.NONE).exact()
                    .perplexity().value();
        }
    }

    @Test
    void perplexityOfEachTypeIsAsMeasured() {
        double stored = perplexity(WeightType.STORED);
        double q8 = perplexity(WeightType.Q8);
        double q4 = perplexity(WeightType.Q4);
        System.out.printf("Pocket, perplexity on 40 dialogues: stored %.5f, q8 %.5f, q4 %.5f%n", stored, q8, q4);
        assertThat(stored).isCloseTo(1.6466, within(0.001));
        assertThat(q8 / stored).as("eight bits").isCloseTo(1, within(0.0001));
        assertThat(q4 / stored).as("four bits").isBetween(0.999, 1.002);
        assertThat(Math.abs(q8 - stored)).as("eight bits are nearer than four").isLessThan(Math.abs(q4 - stored));
    }
}
