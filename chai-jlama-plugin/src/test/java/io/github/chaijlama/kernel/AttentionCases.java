// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.params.provider.Arguments;

import io.github.chaijlama.kv.KvType;

import static io.github.chaijlama.kernel.TestedKernels.UNIT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** What the kernels of attention are asked, and what is near enough. */
final class AttentionCases {
    private static final int[] HEAD_SIZES = { 2, 4, 6, 8, 10, 14, 16, 24, 32, 40, 64, 72, 80, 96, 100, 128, 192, 256 };
    private static final int[] COUNTS = { 1, 2, 3, 4, 5, 7, 8, 13, 31, 32, 33, 64, 127, 128 };

    private AttentionCases() {}

    /** Kernels, head sizes, numbers of keys, and kinds of values. */
    static Stream<Arguments> cases() {
        List<Arguments> cases = new ArrayList<>();
        for (AttentionKernels kernels : TestedKernels.ofAttention()) {
            for (int headSize : HEAD_SIZES) {
                for (int count : COUNTS) {
                    cases.add(Arguments.of(kernels, headSize, count, Values.ORDINARY));
                }
            }
            for (Values values : Values.values()) {
                cases.add(Arguments.of(kernels, 40, 37, values));
            }
        }
        return cases.stream();
    }

    /** Kernels, types of rows, head sizes, and kinds of values. */
    static Stream<Arguments> rowCases() {
        List<Arguments> cases = new ArrayList<>();
        for (AttentionKernels kernels : TestedKernels.ofAttention()) {
            for (KvType type : KvType.values()) {
                for (int headSize : HEAD_SIZES) {
                    for (Values values : Values.values()) {
                        cases.add(Arguments.of(kernels, type, headSize, values));
                    }
                }
            }
        }
        return cases.stream();
    }

    /** Asserts a sum of products: rounding grows with the number of terms and with their size, not with the result. */
    static void assertSum(float actual, double expected, int terms, double sumOfAbsolutes) {
        assertThat((double) actual).isCloseTo(expected,
                within((terms + 2) * UNIT * sumOfAbsolutes + 1e-44));
    }

    static double[] softmax(Block scores, int count) {
        return softmax(scores, count, Double.NEGATIVE_INFINITY);
    }

    /** Probabilities beside one more score, which is not among them. */
    static double[] softmax(Block scores, int count, double sink) {
        double max = sink;
        for (int i = 0; i < count; i++) {
            max = Math.max(max, scores.get(i));
        }
        double[] values = new double[count];
        double sum = Math.exp((float) sink - (float) max);
        for (int i = 0; i < count; i++) {
            // The difference is taken in 32 bits, as the kernels take it: its rounding is the input's, not the
            // kernel's.
            values[i] = Math.exp(scores.get(i) - (float) max);
            sum += values[i];
        }
        for (int i = 0; i < count; i++) {
            values[i] /= sum;
        }
        return values;
    }

    /** Within a few units in the last place; results below 1e-37 may be zero. */
    static void assertProbability(float actual, double expected) {
        assertThat((double) actual).isCloseTo(expected,
                within(200 * UNIT * expected + 2e-37));
    }
}
