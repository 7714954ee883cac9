// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.families;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.TestModels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.offset;
import static org.assertj.core.api.Assertions.within;

/** Frequencies worked out by hand, for heads of 32: pair i turns by 10000^(-i/16) from one position to the next. */
class ScalarRotaryTests {
    private static final int[] TOKENS = TestModels.tokens(40, 256, 1);

    @TempDir
    Path directory;
    private int models;

    @Test
    void unscaled() {
        ScalarRotary rotary = rotary(Map.of());
        assertThat(rotary.frequencies()).hasSize(16);
        assertThat(rotary.frequencies()[0]).isEqualTo(1);
        assertThat(rotary.frequencies()[4]).isCloseTo(0.1, offset(1e-12));
        assertThat(rotary.frequencies()[8]).isCloseTo(0.01, offset(1e-12));
        assertThat(rotary.attentionFactor()).isEqualTo(1);
    }

    @Test
    void rotatesPairsHalfAHeadApart() {
        double[] heads = new double[64];
        heads[4] = 2;
        heads[32 + 16 + 4] = 3;
        double[] rotated = rotary(Map.of()).rotate(heads, 10);
        assertThat(rotated[4]).isCloseTo(2 * Math.cos(1), offset(1e-12));
        assertThat(rotated[4 + 16]).isCloseTo(2 * Math.sin(1), offset(1e-12));
        assertThat(rotated[32 + 4]).isCloseTo(-3 * Math.sin(1), offset(1e-12));
        assertThat(rotated[32 + 4 + 16]).isCloseTo(3 * Math.cos(1), offset(1e-12));
    }

    @Test
    void linearDividesAll() {
        ScalarRotary rotary = rotary(Map.of("rope_scaling", Map.of("type", "linear", "factor", 4)));
        assertThat(rotary.frequencies()[0]).isEqualTo(0.25);
        assertThat(rotary.frequencies()[8]).isCloseTo(0.0025, offset(1e-12));
    }

    @Test
    void dynamicScalesNothingWithinTheContext() {
        ScalarRotary rotary = rotary(Map.of("max_position_embeddings", 64, "rope_scaling",
                Map.of("rope_type", "dynamic", "factor", 2)));
        assertThat(rotary.frequencies()).isEqualTo(rotary(Map.of()).frequencies());
        rotary.rotate(new double[32], 63);
        assertThatIllegalArgumentException().isThrownBy(() -> rotary.rotate(new double[32], 64));
    }

    /** Wavelengths 6.28 (below 32 / 4), 11.17 (between), 19.87 (between) and 35.33 (above 32 / 1). */
    @Test
    void llama3KeepsShortWavesAndDividesLongOnes() {
        double[] frequencies = rotary(Map.of("rope_scaling", Map.of("rope_type", "llama3", "factor", 8,
                "low_freq_factor", 1, "high_freq_factor", 4, "original_max_position_embeddings", 32))).frequencies();
        assertThat(frequencies[0]).isEqualTo(1);
        assertThat(frequencies[1]).isCloseTo(0.37601, offset(1e-4));
        assertThat(frequencies[3]).isCloseTo(0.1778279410 / 8, offset(1e-9));
        assertThat(frequencies[8]).isCloseTo(0.01 / 8, offset(1e-9));
    }

    /** The range is 0 (32 turns in 64 positions would need a pair below 0) to 5 (1 turn: pair 4.03). */
    @Test
    void yarnBlendsFromPairToPair() {
        ScalarRotary rotary = rotary(Map.of("max_position_embeddings", 256, "rope_scaling",
                Map.of("type", "yarn", "factor", 4, "original_max_position_embeddings", 64)));
        assertThat(rotary.frequencies()[0]).isEqualTo(1);
        assertThat(rotary.frequencies()[2]).isCloseTo(0.3162277660 * (0.6 + 0.4 / 4), offset(1e-9));
        assertThat(rotary.frequencies()[4]).isCloseTo(0.1 * (0.2 + 0.8 / 4), offset(1e-9));
        assertThat(rotary.frequencies()[5]).isCloseTo(0.0562341325 / 4, offset(1e-9));
        assertThat(rotary.frequencies()[8]).isCloseTo(0.01 / 4, offset(1e-9));
        assertThat(rotary.attentionFactor()).isCloseTo(1.138629436, offset(1e-9));
    }

    @Test
    void yarnTakesTheContextWhereNothingElseIsSaid() {
        Map<String, Object> yarn = Map.of("type", "yarn", "factor", 4);
        assertThat(rotary(Map.of("max_position_embeddings", 64, "rope_scaling", yarn)).frequencies()[2])
                .isCloseTo(0.3162277660 * 0.7, offset(1e-9));
    }

    /** The range is 1 (4 turns of theta 20000: pair 1.51) to 5 (half a turn: pair 4.87). */
    @Test
    void newerObjectHoldsEverything() {
        ScalarRotary rotary = rotary(Map.of("rope_parameters",
                Map.of("rope_type", "yarn", "rope_theta", 20000, "factor", 4, "original_max_position_embeddings", 64,
                        "attention_factor", 1.3, "beta_fast", 4, "beta_slow", 0.5)));
        assertThat(rotary.attentionFactor()).isEqualTo(1.3);
        assertThat(rotary.frequencies()[1]).isCloseTo(Math.pow(20000, -1 / 16.0), offset(1e-12));
        assertThat(rotary.frequencies()[3]).isCloseTo(Math.pow(20000, -3 / 16.0) * (0.5 + 0.5 / 4), offset(1e-12));
        assertThat(rotary.frequencies()[5]).isCloseTo(Math.pow(20000, -5 / 16.0) / 4, offset(1e-12));
    }

    @ParameterizedTest
    @ValueSource(strings = { "llama-linear", "llama-llama3", "llama-yarn", "llama-dynamic" })
    void factorOfOneIsNoScaling(String name) {
        double[] unscaled = logits("llama-gqa", Map.of(), TOKENS);
        double[] scaled = logits(name, Map.of(), TOKENS);
        if (name.equals("llama-dynamic")) {
            assertThat(scaled).isEqualTo(unscaled);
        } else {
            assertThat(largestDifference(scaled, unscaled)).isGreaterThan(1e-2);
        }
        Map<String, Object> one = new HashMap<>(Map.of("rope_type", name.substring("llama-".length()), "factor", 1));
        if (name.equals("llama-llama3")) {
            one.putAll(Map.of("low_freq_factor", 1, "high_freq_factor", 4, "original_max_position_embeddings", 32));
        }
        assertThat(logits(name, Map.of("rope_scaling", one), TOKENS)).containsExactly(unscaled, within(1e-9));
    }

    /** The first position is not rotated, and attends to itself alone. */
    @ParameterizedTest
    @ValueSource(strings = { "llama-linear", "llama-llama3", "llama-yarn", "llama-yarn-attention-factor" })
    void scalingDoesNotReachTheFirstPosition(String name) {
        int[] first = { TOKENS[0] };
        assertThat(logits(name, Map.of(), first)).containsExactly(logits("llama-gqa", Map.of(), first), within(1e-9));
    }

    /** Queries and keys are both multiplied by the factor: the scores by its square. */
    @Test
    void attentionFactorMultipliesTheScoresTwice() {
        Map<String, Object> yarn = Map.of("type", "yarn", "factor", 1, "attention_factor", 1.3);
        assertThat(logits("granite", Map.of("rope_scaling", yarn), TOKENS))
                .containsExactly(logits("granite", Map.of("attention_multiplier", 0.09 * 1.69), TOKENS), within(1e-9));
    }

    private static ScalarRotary rotary(Map<String, Object> config) {
        return new ScalarRotary(new ObjectMapper().valueToTree(config), 32);
    }

    private double[] logits(String name, Map<String, Object> overrides, int[] tokens) {
        Path model = FamilyModels.write(directory.resolve("model-" + models++), name, overrides);
        return new ScalarTransformer(model).allLogits(tokens, null)[tokens.length - 1];
    }

    private static double largestDifference(double[] a, double[] b) {
        double max = 0;
        for (int i = 0; i < a.length; i++) {
            max = Math.max(max, Math.abs(a[i] - b[i]));
        }
        return max;
    }
}
