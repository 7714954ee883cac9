// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

/** Caps on scores and sliding windows, against double. */
class ScoreRulesKernelsTests {
    private final Arena arena = Arena.ofShared();

    @AfterEach
    void close() {
        arena.close();
    }

    static List<AttentionKernels> kernels() {
        return TestedKernels.ofAttention();
    }

    private MemorySegment random(int length, double size) {
        MemorySegment segment = arena.allocate((long) length * Float.BYTES, 4);
        SplittableRandom random = new SplittableRandom(length);
        for (int i = 0; i < length; i++) {
            segment.setAtIndex(JAVA_FLOAT, i, (float) (size * (2 * random.nextDouble() - 1)));
        }
        return segment;
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void softCapIsAHyperbolicTangent(AttentionKernels kernels) {
        for (int length : new int[]{ 1, 2, 7, 8, 9, 16, 31, 100 }) {
            for (double size : new double[]{ 1e-38, 1e-6, 0.1, 5, 49, 51, 1e3, 3e38 }) {
                for (float cap : new float[]{ 0.5f, 5, 50 }) {
                    MemorySegment scores = random(length + 3, size);
                    float[] before = scores.toArray(JAVA_FLOAT);
                    kernels.softCap(scores, 2, length, cap);
                    for (int i = 0; i < before.length; i++) {
                        boolean inside = i >= 2 && i < length + 2;
                        double expected = inside ? cap * Math.tanh((double) before[i] / cap) : before[i];
                        // e^-2x is near 1 where x is near 0: what is lost there is lost relative to the cap.
                        assertThat((double) scores.getAtIndex(JAVA_FLOAT, i)).as("%s of %s", before[i], cap)
                                .isCloseTo(expected, within(inside ? 3e-7 * cap : 0));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void softCapOfATileIsThatOfRows(AttentionKernels kernels) {
        int keys = 5;
        float[] tile = random(keys * kernels.tileRows() + 2, 60).toArray(JAVA_FLOAT);
        float[] before = tile.clone();
        kernels.softCapTile(tile, 1, keys, 50);
        for (int i = 0; i < tile.length; i++) {
            boolean inside = i >= 1 && i <= keys * kernels.tileRows();
            double expected = inside ? 50 * Math.tanh((double) before[i] / 50) : before[i];
            assertThat((double) tile[i]).isCloseTo(expected, within(inside ? 2e-5 : 0));
        }
        assertThatThrownBy(() -> kernels.softCapTile(tile, 3, keys, 50)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void rowsSeeWhatTheirWindowReaches(AttentionKernels kernels) {
        int tileRows = kernels.tileRows();
        int run = 5; // keys taken at a time, fewer than rows: some rows see none of a run
        for (int firstPosition : new int[]{ 0, 3, 40 }) {
            for (int window : new int[]{ 1, 2, 4, 9, 30, 1000 }) {
                int keys = firstPosition + tileRows;
                float[] scores = random(keys * tileRows, 4).toArray(JAVA_FLOAT);
                float[] before = scores.clone();
                float[] state = new float[3 * tileRows];
                Arrays.fill(state, 0, tileRows, Float.NEGATIVE_INFINITY);
                double[] sums = new double[tileRows]; // of 1 times each probability, as a weighted sum would
                for (int first = Math.max(0, firstPosition - window + 1) / run * run; first < keys; first += run) {
                    int count = Math.min(run, keys - first);
                    int at = first * tileRows;
                    kernels.hideTile(scores, at, count, firstPosition - window + 1 - first);
                    kernels.softmaxTile(scores, at, state, 0, count, firstPosition + 1 - first);
                    for (int row = 0; row < tileRows; row++) {
                        sums[row] *= state[2 * tileRows + row];
                        for (int key = 0; key < count; key++) {
                            sums[row] += (first + key + 1) * scores[at + key * tileRows + row];
                        }
                    }
                }
                for (int row = 0; row < tileRows; row++) {
                    int position = firstPosition + row;
                    double sum = 0;
                    double weighted = 0;
                    for (int key = Math.max(0, position - window + 1); key <= position; key++) {
                        double exp = Math.exp(before[key * tileRows + row]);
                        sum += exp;
                        weighted += (key + 1) * exp;
                    }
                    assertThat(sums[row] / state[tileRows + row])
                            .as("row %d, window %d, position %d", row, window, position)
                            .isCloseTo(weighted / sum, within(1e-5 * weighted / sum));
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void rangesAreChecked(AttentionKernels kernels) {
        MemorySegment small = arena.allocate(16);
        assertThatThrownBy(() -> kernels.softCap(small, 2, 3, 1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> kernels.hideTile(new float[4], 0, 1, 1)).isInstanceOf(IndexOutOfBoundsException.class);
    }
}
