// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.foreign.Arena;
import java.util.Arrays;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import static io.github.chaijlama.kernel.AttentionCases.assertProbability;
import static io.github.chaijlama.kernel.AttentionCases.assertSum;
import static io.github.chaijlama.kernel.Block.PAD;
import static org.assertj.core.api.Assertions.assertThat;

/** As {@link AttentionKernelsTests}, of what is done to several rows at once. */
class TileKernelsTests {
    private final Arena arena = Arena.ofShared();

    @AfterEach
    void close() {
        arena.close();
    }

    @ParameterizedTest
    @MethodSource("io.github.chaijlama.kernel.AttentionCases#cases")
    void transposeTile(AttentionKernels kernels, int headSize, int count, Values values) {
        int rows = Math.min(count, kernels.tileRows());
        int stride = headSize + 5;
        Block in = new Block(arena, (rows - 1) * stride + headSize, values, 9);
        Block tile = new Block(arena, headSize * kernels.tileRows(), Values.HUGE, 10);

        kernels.transposeTile(tile.segment, PAD, in.segment, PAD, stride, rows, headSize);

        for (int i = 0; i < headSize; i++) {
            for (int row = 0; row < kernels.tileRows(); row++) {
                assertThat(tile.get(i * kernels.tileRows() + row))
                        .isEqualTo(row < rows ? in.get(row * stride + i) : 0);
            }
        }
        tile.assertGuardsIntact();
    }

    @ParameterizedTest
    @MethodSource("io.github.chaijlama.kernel.AttentionCases#cases")
    void scoresTile(AttentionKernels kernels, int headSize, int count, Values values) {
        int tileRows = kernels.tileRows();
        Block queries = new Block(arena, headSize * tileRows, values, 11);
        Block keys = new Block(arena, count * headSize, values, 12);
        Tile out = new Tile(count * tileRows);
        float scale = 0.7f;

        kernels.scoresTile(out.array, PAD, queries.segment, PAD, keys.segment, PAD, count, headSize, scale);

        for (int key = 0; key < count; key++) {
            for (int row = 0; row < tileRows; row++) {
                double sum = 0;
                double absolute = 0;
                for (int i = 0; i < headSize; i++) {
                    double product = (double) queries.get(i * tileRows + row) * keys.get(key * headSize + i);
                    sum += product;
                    absolute += Math.abs(product);
                }
                assertSum(out.get(key * tileRows + row), scale * sum, headSize, scale * absolute);
            }
        }
        out.assertGuardsIntact();
    }

    @ParameterizedTest
    @MethodSource("io.github.chaijlama.kernel.AttentionCases#cases")
    void softmaxTileInRunsIsTheSoftmaxOfAll(AttentionKernels kernels, int headSize, int count, Values values) {
        for (float sink : new float[]{ Float.NEGATIVE_INFINITY, -1.5f, 3 }) {
            assertSoftmaxOfAll(kernels, count, values, sink);
        }
    }

    private void assertSoftmaxOfAll(AttentionKernels kernels, int count, Values values, float sink) {
        int tileRows = kernels.tileRows();
        int firstPosition = 5; // row r sees keys 0 to firstPosition + r
        Tile scores = new Tile(count * tileRows, values, 13);
        Tile state = new Tile(3 * tileRows);
        for (int row = 0; row < tileRows; row++) {
            state.set(row, sink);
            state.set(tileRows + row, sink == Float.NEGATIVE_INFINITY ? 0 : 1);
        }
        float[] before = Arrays.copyOfRange(scores.array, PAD, PAD + count * tileRows);
        int run = 7;
        for (int first = 0; first < count; first += run) {
            int keys = Math.min(run, count - first);
            kernels.softmaxTile(scores.array, PAD + first * tileRows, state.array, PAD, keys,
                    firstPosition + 1 - first);
            for (int row = 0; row < tileRows; row++) { // what was exponentiated with an older maximum
                for (int key = 0; key < first; key++) {
                    int at = key * tileRows + row;
                    scores.set(at, scores.get(at) * state.get(2 * tileRows + row));
                }
            }
        }
        for (int row = 0; row < tileRows; row++) {
            int seen = Math.min(count, firstPosition + 1 + row);
            Block column = new Block(arena, seen);
            for (int key = 0; key < seen; key++) {
                column.set(key, before[key * tileRows + row]);
            }
            double[] expected = AttentionCases.softmax(column, seen, sink);
            for (int key = 0; key < count; key++) {
                float probability = scores.get(key * tileRows + row) / state.get(tileRows + row);
                assertProbability(probability, key < seen ? expected[key] : 0);
            }
        }
        scores.assertGuardsIntact();
        state.assertGuardsIntact();
    }

    @ParameterizedTest
    @MethodSource("io.github.chaijlama.kernel.AttentionCases#cases")
    void weightedSumTile(AttentionKernels kernels, int headSize, int count, Values values) {
        int tileRows = kernels.tileRows();
        Tile weights = new Tile(count * tileRows, Values.ORDINARY, 14);
        Tile state = new Tile(3 * tileRows, Values.ORDINARY, 15);
        Block rows = new Block(arena, count * headSize, values, 16);
        Block out = new Block(arena, tileRows * headSize, values, 17);
        float[] before = out.floats();

        kernels.weightedSumTile(out.segment, PAD, state.array, PAD, weights.array, PAD, rows.segment, PAD,
                count, headSize);

        for (int row = 0; row < tileRows; row++) {
            for (int i = 0; i < headSize; i++) {
                double sum = (double) before[row * headSize + i] * state.get(2 * tileRows + row);
                double absolute = Math.abs(sum);
                for (int value = 0; value < count; value++) {
                    double product = (double) weights.get(value * tileRows + row) * rows.get(value * headSize + i);
                    sum += product;
                    absolute += Math.abs(product);
                }
                assertSum(out.get(row * headSize + i), sum, count + 2, absolute);
            }
        }
        out.assertGuardsIntact();
    }

    @ParameterizedTest
    @MethodSource("io.github.chaijlama.kernel.AttentionCases#cases")
    void normalizeTile(AttentionKernels kernels, int headSize, int count, Values values) {
        int tileRows = kernels.tileRows();
        int rows = Math.min(count, tileRows);
        int stride = headSize + 3;
        Block tile = new Block(arena, tileRows * headSize, values, 18);
        Tile state = new Tile(3 * tileRows);
        for (int row = 0; row < tileRows; row++) {
            state.set(tileRows + row, 0.5f + row);
        }
        Block out = new Block(arena, (rows - 1) * stride + headSize, Values.ORDINARY, 19);
        float[] before = out.floats();

        kernels.normalizeTile(out.segment, PAD, stride, tile.segment, PAD, state.array, PAD, rows, headSize);

        for (int i = 0; i < out.length; i++) {
            int row = i / stride;
            int column = i % stride;
            if (column < headSize) {
                double expected = (double) tile.get(row * headSize + column) / state.get(tileRows + row);
                assertSum(out.get(i), expected, 2, Math.abs(expected));
            } else {
                assertThat(out.get(i)).isEqualTo(before[i]);
            }
        }
        out.assertGuardsIntact();
    }
}
