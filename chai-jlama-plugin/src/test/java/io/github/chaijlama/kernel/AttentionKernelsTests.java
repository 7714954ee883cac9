// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.foreign.Arena;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.chaijlama.kv.KvType;

import static io.github.chaijlama.kernel.AttentionCases.assertProbability;
import static io.github.chaijlama.kernel.AttentionCases.assertSum;
import static io.github.chaijlama.kernel.Block.PAD;
import static org.assertj.core.api.Assertions.assertThat;

/**
 * Both implementations of what is done row by row against a reference in double, at awkward sizes and offsets. Run once
 * for each vector width (see the executions of the surefire plugin), with the JVM's vector bounds checks on.
 */
class AttentionKernelsTests {
    private static final long PAD_BYTES = PAD * (long) Float.BYTES;

    private final Arena arena = Arena.ofShared();

    @AfterEach
    void close() {
        arena.close();
    }

    @ParameterizedTest
    @MethodSource("io.github.chaijlama.kernel.AttentionCases#cases")
    void scores(AttentionKernels kernels, int headSize, int count, Values values) {
        Block query = new Block(arena, headSize, values, 1);
        Block keys = new Block(arena, count * headSize, values, 2);
        Block out = new Block(arena, count);
        float scale = 0.3f;

        kernels.scores(out.segment, PAD, query.segment, PAD, KvType.F32, keys.segment, PAD_BYTES, count, headSize,
                scale);

        for (int key = 0; key < count; key++) {
            double sum = 0;
            double absolute = 0;
            for (int i = 0; i < headSize; i++) {
                double product = (double) query.get(i) * keys.get(key * headSize + i);
                sum += product;
                absolute += Math.abs(product);
            }
            assertSum(out.get(key), scale * sum, headSize, scale * absolute);
        }
        out.assertGuardsIntact();
    }

    @ParameterizedTest
    @MethodSource("io.github.chaijlama.kernel.AttentionCases#cases")
    void softmax(AttentionKernels kernels, int headSize, int count, Values values) {
        for (float sink : new float[]{ Float.NEGATIVE_INFINITY, -1.5f, 0, 3 }) {
            Block scores = new Block(arena, count, values, 3);
            double[] expected = AttentionCases.softmax(scores, count, sink);

            kernels.softmax(scores.segment, PAD, count, sink);

            for (int i = 0; i < count; i++) {
                assertProbability(scores.get(i), expected[i]);
            }
            scores.assertGuardsIntact();
        }
    }

    @ParameterizedTest
    @MethodSource("io.github.chaijlama.kernel.AttentionCases#cases")
    void weightedSum(AttentionKernels kernels, int headSize, int count, Values values) {
        Block weights = new Block(arena, count, Values.ORDINARY, 4);
        Block rows = new Block(arena, count * headSize, values, 5);
        Block out = new Block(arena, headSize, values, 6);
        float[] before = out.floats();

        kernels.weightedSum(out.segment, PAD, weights.segment, PAD, KvType.F32, rows.segment, PAD_BYTES, count,
                headSize);

        for (int i = 0; i < headSize; i++) {
            double sum = before[i];
            double absolute = Math.abs(sum);
            for (int row = 0; row < count; row++) {
                double product = (double) weights.get(row) * rows.get(row * headSize + i);
                sum += product;
                absolute += Math.abs(product);
            }
            assertSum(out.get(i), sum, count + 1, absolute);
        }
        out.assertGuardsIntact();
    }

    @ParameterizedTest
    @MethodSource("io.github.chaijlama.kernel.AttentionCases#cases")
    void rotate(AttentionKernels kernels, int headSize, int count, Values values) {
        Block in = new Block(arena, headSize, values, 7);
        Block cosSin = new Block(arena, headSize, Values.ORDINARY, 8);
        Block out = new Block(arena, headSize);
        int half = headSize / 2;

        kernels.rotate(out.segment, PAD, in.segment, PAD, cosSin.segment, PAD, headSize);

        for (int i = 0; i < half; i++) {
            double x = in.get(i);
            double y = in.get(half + i);
            double cos = cosSin.get(i);
            double sin = cosSin.get(half + i);
            assertSum(out.get(i), x * cos - y * sin, 2, Math.abs(x * cos) + Math.abs(y * sin));
            assertSum(out.get(half + i), x * sin + y * cos, 2, Math.abs(x * sin) + Math.abs(y * cos));
        }
        out.assertGuardsIntact();
        float[] separate = out.floats();
        kernels.rotate(in.segment, PAD, in.segment, PAD, cosSin.segment, PAD, headSize);
        assertThat(in.floats()).containsExactly(separate);
    }
}
