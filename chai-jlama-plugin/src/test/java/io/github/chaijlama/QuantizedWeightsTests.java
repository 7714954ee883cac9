// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.SafeTensorSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.generate.ChatMessage;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.model.ModelLoadException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Weights that become Q4 when a model is loaded. */
@Tag("operators")
class QuantizedWeightsTests {
    private static final List<String> QUESTIONS = List.of("Tell me a story about a fox named Ruby.", "Hello!",
            "Read this: Finn was a lucky owl. Finn lived near the meadow. At the river, Finn found a green whistle. "
                    + "Then Rose the penguin came to help. Who helped Finn?",
            "What is the opposite of big?", "Tell me a story.", "What comes after Monday?");
    private static final ChaiOptions Q4 = TestOperators.exact().with(change -> change.weights(WeightType.Q4));

    @TempDir
    Path directory;

    private static float[] logits(Path model, ChaiOptions options, int... tokens) {
        try (TokenModel loaded = TokenModel.load(model, options); TokenSession session = loaded.newSession()) {
            return session.feed(tokens);
        }
    }

    /**
     * Our quantization and that of Jlama's command are the same; so are the logits, but for the order in which Panama
     * adds.
     */
    @ParameterizedTest
    @ValueSource(strings = { "F32", "BF16", "F16" })
    void saysWhatAQuantizedFileSays(String stored) throws IOException {
        Path original = TestModels.random(directory, TestModels.shape(128, 256, 8, 4), 256, "F32");
        Path file = original.resolve("model.safetensors");
        TestWeights.read(file).with(stored, _ -> true).write(file, 0);
        Files.writeString(original.resolve("tokenizer.json"), "{}");
        Files.writeString(original.resolve("README.md"), "a model");
        Path quantized = SafeTensorSupport.quantizeModel(original, DType.Q4, new String[]{ "norm", "embed" }, null,
                Optional.of(directory.resolve("quantized")));
        int[] tokens = TestModels.tokens(40, 256, 1);
        float[] expected = logits(quantized, TestOperators.exact(), tokens);
        assertThat(TestModels.maxDifference(logits(original, Q4, tokens), expected)).isLessThan(1e-5);
        assertThat(TestModels.maxDifference(logits(original, TestOperators.exact(), tokens), expected))
                .isGreaterThan(0.01);
        assertThat(TestModels.maxDifference(
                logits(original, ChaiOptions.stock().with(change -> change.weights(WeightType.Q4)), tokens),
                expected)).isLessThan(1e-4);
        // A file that is quantized already is left as it is.
        assertThat(TestModels.maxDifference(logits(quantized, Q4, tokens), expected)).isLessThan(1e-5);
    }

    @Test
    void jlamaCannotMultiplyWithEightBits() {
        assertThatThrownBy(() -> ChaiOptions.stock().with(change -> change.weights(WeightType.Q8)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Jlama's own layers cannot multiply with weights of type Q8");
        assertThatThrownBy(() -> ChaiOptions.exact()
                .with(change -> change.weights(WeightType.Q8).operators(Operators.JLAMA)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Jlama's own operators cannot multiply with weights of type Q8");
    }

    @Test
    void tellsHowFarQuantizingIs() {
        List<Long> told = new ArrayList<>();
        List<Long> totals = new ArrayList<>();
        ChaiModel.load(TestModels.POCKET, Q4, (done, total) -> {
            told.add(done);
            totals.add(total);
        }).close();
        assertThat(told).hasSize(6 * 7).isSorted().doesNotHaveDuplicates();
        assertThat(totals).containsOnly(told.getLast());
        ChaiModel.load(TestModels.POCKET, TestOperators.exact(Operators.VECTOR), (_, _) -> {
            throw new AssertionError("nothing is converted");
        }).close();
    }

    @Test
    void brokenWeightsAreFoundBeforeTheyAreQuantized() throws IOException {
        Path model = TestModels.random(directory, TestModels.shape(128, 256, 8, 4), 256, "F32");
        Path file = model.resolve("model.safetensors");
        TestWeights weights = TestWeights.read(file);
        byte[] bytes = weights.tensors().get("model.layers.2.mlp.up_proj.weight").bytes();
        bytes[4003] = 127;
        bytes[4002] = (byte) 192; // a NaN
        weights.write(file, 0);
        assertThatThrownBy(() -> ChaiModel.load(model, Q4)).isInstanceOf(ModelLoadException.class)
                .hasMessage(
                        model + ": tensor model.layers.2.mlp.up_proj.weight holds values that are not finite numbers");
    }

    /**
     * What four bits change, on answers that Pocket itself gives, drawn from the model as it is stored: at each
     * position both models see the same tokens before. Measured: 0.0007 nats a token, the same most likely token at
     * 934 of 955 positions.
     */
    @Test
    void pocketSaysNearlyTheSame() {
        double divergence = 0;
        int same = 0;
        int positions = 0;
        double maxDifference = 0;
        try (TextModel text = TextModel.load(TestModels.POCKET, TestOperators.exact());
                ChaiModel quantized = ChaiModel.load(TestModels.POCKET, Q4)) {
            ChaiModel stored = text.model();
            assertThat(stored.weightType()).isEqualTo("BF16");
            assertThat(quantized.weightType()).isEqualTo("Q4");
            for (int i = 0; i < 4 * QUESTIONS.size(); i++) {
                SplittableRandom random = new SplittableRandom(i);
                int[] prompt = text.chatPrompt(List.of(ChatMessage.user(QUESTIONS.get(i % QUESTIONS.size()))));
                try (ChaiSession a = stored.newSession(); ChaiSession b = quantized.newSession()) {
                    float[] expected = a.feed(prompt);
                    float[] found = b.feed(prompt);
                    for (int answered = 0; answered < 80; answered++) {
                        divergence += divergence(expected, found);
                        same += TestModels.mostLikely(expected) == TestModels.mostLikely(found) ? 1 : 0;
                        maxDifference = Math.max(maxDifference, TestModels.maxDifference(expected, found));
                        positions++;
                        int token = draw(probabilities(expected), random.nextDouble());
                        if (text.tokenizer().isEndToken(token)) {
                            break;
                        }
                        expected = a.feed(token);
                        found = b.feed(token);
                    }
                }
            }
            System.out.printf("Pocket as Q4: divergence %.4f nats a token, same most likely token in %d of %d, "
                    + "logits differ by %.2f at most, %d bytes of weights instead of %d%n", divergence / positions,
                    same,
                    positions, maxDifference, quantized.weightBytes(), stored.weightBytes());
        }
        assertThat(divergence / positions).isLessThan(0.002);
        assertThat(same).isGreaterThan(positions * 95 / 100);
    }

    /** Returns how much is lost when text of one model is predicted by another, in nats. */
    private static double divergence(float[] expected, float[] found) {
        double[] p = probabilities(expected);
        double[] q = probabilities(found);
        double sum = 0;
        for (int i = 0; i < p.length; i++) {
            sum += p[i] == 0 ? 0 : p[i] * Math.log(p[i] / q[i]);
        }
        return sum;
    }

    private static double[] probabilities(float[] logits) {
        double max = logits[TestModels.mostLikely(logits)];
        double[] p = new double[logits.length];
        double sum = 0;
        for (int i = 0; i < p.length; i++) {
            p[i] = Math.exp(logits[i] - max);
            sum += p[i];
        }
        for (int i = 0; i < p.length; i++) {
            p[i] /= sum;
        }
        return p;
    }

    private static int draw(double[] p, double point) {
        int token = 0;
        for (double left = point - p[0]; left > 0 && token < p.length - 1; left -= p[token]) {
            token++;
        }
        return token;
    }
}
