// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

class SamplerTests {
    private static final float[] LOGITS = { 1, 3, 2, 0, -1 };

    private static SamplingOptions options(double temperature, Integer topK, double topP) {
        return new SamplingOptions(temperature, topK, topP, 42L);
    }

    /** How often each token is chosen. */
    private static double[] frequencies(SamplingOptions options, float[] logits, int samples) {
        Sampler sampler = Sampler.of(options);
        double[] counts = new double[logits.length];
        for (int i = 0; i < samples; i++) {
            counts[sampler.sample(logits)] += 1.0 / samples;
        }
        return counts;
    }

    /** What the definition says: softmax with temperature, then top-k, then top-p. */
    private static double[] expected(SamplingOptions options, float[] logits) {
        double[] p = new double[logits.length];
        double sum = 0;
        for (int i = 0; i < p.length; i++) {
            p[i] = Math.exp(logits[i] / options.temperature());
            sum += p[i];
        }
        double total = sum;
        Integer[] order = IntStream.range(0, p.length).boxed().sorted((a, b) -> Double.compare(p[b], p[a]))
                .toArray(Integer[]::new);
        int count = Math.min(options.topK().orElse(p.length), p.length);
        double kept = Arrays.stream(order).limit(count).mapToDouble(i -> p[i]).sum();
        double wanted = options.topP() * (options.topK().isEmpty() ? total : kept);
        double[] result = new double[p.length];
        double running = 0;
        for (int i = 0; i < count && (i == 0 || running < wanted); i++) {
            running += p[order[i]];
            result[order[i]] = p[order[i]];
        }
        double normal = running;
        return Arrays.stream(result).map(x -> x / normal).toArray();
    }

    @Test
    void greedyTakesTheHighestAndTheLowestOfEquals() {
        assertThat(Sampler.of(SamplingOptions.GREEDY).sample(LOGITS)).isEqualTo(1);
        assertThat(Sampler.of(SamplingOptions.GREEDY).sample(new float[]{ 1, 5, 5, 2 })).isEqualTo(1);
        assertThat(Sampler.of(SamplingOptions.GREEDY).sample(new float[]{ -3, Float.NEGATIVE_INFINITY })).isZero();
    }

    @Test
    void penaltiesAreTakenFromTokensThatCame() {
        Sampler frequency = Sampler.of(SamplingOptions.GREEDY.withPenalties(new RepetitionPenalties(0.6, 0)));
        // Token 1 leads token 2 by 1 at first: by 0.4 after it came once, by -0.2 after it came twice, and so on.
        assertThat(IntStream.range(0, 5).map(i -> frequency.sample(LOGITS))).containsExactly(1, 1, 2, 1, 2);
        Sampler presence = Sampler.of(SamplingOptions.GREEDY.withPenalties(new RepetitionPenalties(0, 1.5)));
        assertThat(IntStream.range(0, 5).map(i -> presence.sample(LOGITS))).containsExactly(1, 2, 1, 1, 1);
        Sampler both = Sampler.of(SamplingOptions.GREEDY.withPenalties(new RepetitionPenalties(0.6, 0.6)));
        assertThat(IntStream.range(0, 5).map(i -> both.sample(LOGITS))).containsExactly(1, 2, 1, 1, 0);
        Sampler sticky = Sampler.of(new SamplingOptions(1, null, 1, 1L).withPenalties(new RepetitionPenalties(-2, -2)));
        assertThat(IntStream.range(0, 200).map(i -> sticky.sample(new float[8])).skip(100).distinct().count())
                .as("a negative penalty makes what came come again").isOne();
        assertThat(LOGITS).as("not changed").containsExactly(1, 3, 2, 0, -1);
        assertThat(Sampler.of(SamplingOptions.GREEDY.withPenalties(new RepetitionPenalties(2, 2)))
                .sample(new float[]{ 1, Float.NEGATIVE_INFINITY })).isZero();
    }

    @Test
    void penaltiesBeyondTheirRangeAreRefused() {
        for (double penalty : new double[]{ -2.01, 2.01, Double.NaN, Double.POSITIVE_INFINITY }) {
            assertThatThrownBy(() -> new RepetitionPenalties(penalty, 0)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("frequency penalty must be from -2 to 2, found " + penalty);
            assertThatThrownBy(() -> new RepetitionPenalties(0, penalty)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("presence penalty must be from -2 to 2, found " + penalty);
        }
    }

    @Test
    void frequenciesFollowTheDefinition() {
        for (double temperature : new double[]{ 0.3, 1, 2.5 }) {
            for (Integer topK : new Integer[]{ null, 1, 2, 4, 100 }) {
                for (double topP : new double[]{ 1, 0.95, 0.8, 0.5, 0.01 }) {
                    SamplingOptions options = options(temperature, topK, topP);
                    double[] actual = frequencies(options, LOGITS, 20_000);
                    double[] wanted = expected(options, LOGITS);
                    for (int i = 0; i < LOGITS.length; i++) {
                        assertThat(actual[i]).as("%s, token %d", options, i).isCloseTo(wanted[i], within(0.015));
                        assertThat(actual[i] > 0 && wanted[i] == 0).as("%s, token %d", options, i).isFalse();
                    }
                }
            }
        }
    }

    @Test
    void aNucleusOfALargeVocabularyIsTheDefinitions() {
        SplittableRandom random = new SplittableRandom(1);
        float[] logits = new float[50_000];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) (random.nextDouble() * 12);
        }
        for (double topP : new double[]{ 0.9, 0.5, 0.05 }) {
            double[] wanted = expected(options(0.7, null, topP), logits);
            Sampler sampler = Sampler.of(options(0.7, null, topP));
            for (int i = 0; i < 300; i++) {
                assertThat(wanted[sampler.sample(logits)]).isPositive();
            }
        }
    }

    @Test
    void theSameSeedGivesTheSameTokens() {
        SplittableRandom random = new SplittableRandom(2);
        Sampler one = Sampler.of(options(1, 50, 0.9));
        Sampler two = Sampler.of(options(1, 50, 0.9));
        Sampler other = Sampler.of(new SamplingOptions(1, 50, 0.9, 43L));
        int different = 0;
        for (int i = 0; i < 200; i++) {
            float[] logits = new float[1000];
            for (int j = 0; j < logits.length; j++) {
                logits[j] = (float) random.nextDouble();
            }
            int token = one.sample(logits);
            assertThat(two.sample(logits)).isEqualTo(token);
            different += other.sample(logits) == token ? 0 : 1;
        }
        assertThat(different).isGreaterThan(150);
    }

    @Test
    void withoutASeedEveryAnswerIsItsOwn() {
        float[] logits = new float[1000];
        SamplingOptions options = new SamplingOptions(1, null, 1, null);
        int[] first = IntStream.range(0, 20).map(i -> Sampler.of(options).sample(logits)).toArray();
        int[] second = IntStream.range(0, 20).map(i -> Sampler.of(options).sample(logits)).toArray();
        assertThat(first).isNotEqualTo(second);
    }

    @Test
    void logitsAreNotChanged() {
        float[] logits = LOGITS.clone();
        Sampler.of(options(1.3, 3, 0.7)).sample(logits);
        assertThat(logits).containsExactly(LOGITS);
    }

    @ParameterizedTest
    @ValueSource(doubles = { 0, 1 })
    void logitsThatAreNoNumbersSaySo(double temperature) {
        float[] broken = { Float.NaN, Float.NaN };
        assertThatThrownBy(() -> Sampler.of(options(temperature, null, 1)).sample(broken))
                .isInstanceOf(IllegalStateException.class).hasMessageContaining("not numbers");
    }

    @Test
    void extremeTemperaturesStayWithinTheirLimits() {
        assertThat(frequencies(options(1e-6, null, 1), LOGITS, 100)[1]).isCloseTo(1, within(1e-9));
        assertThat(Arrays.stream(frequencies(options(1e9, null, 1), LOGITS, 50_000)))
                .allMatch(p -> Math.abs(p - 0.2) < 0.02);
        assertThat(frequencies(options(1, null, 1), new float[]{ 1e30f, -1e30f, 0 }, 100)[0])
                .isCloseTo(1, within(1e-9));
    }

    @Test
    void impossibleOptionsSayWhatWasExpectedAndFound() {
        assertThatThrownBy(() -> options(-0.1, null, 1)).hasMessage("temperature must be 0 or more, found -0.1");
        assertThatThrownBy(() -> options(Double.NaN, null, 1)).hasMessageContaining("found NaN");
        assertThatThrownBy(() -> options(Double.POSITIVE_INFINITY, null, 1)).hasMessageContaining("Infinity");
        assertThatThrownBy(() -> options(1, 0, 1)).hasMessage("top-k must be at least 1 token, found 0");
        assertThatThrownBy(() -> options(1, null, 0)).hasMessage("top-p must be above 0 and at most 1, found 0.0");
        assertThatThrownBy(() -> options(1, null, 1.1)).hasMessageContaining("found 1.1");
    }
}
