// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.chaijlama.kv.KvType;

import static io.github.chaijlama.kernel.AttentionCases.assertSum;
import static io.github.chaijlama.kernel.Block.PAD;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** As {@link AttentionKernelsTests}, of keys and values as they are stored: rounded as their type says, no further. */
class StoredRowKernelsTests {
    private final Arena arena = Arena.ofShared();

    @AfterEach
    void close() {
        arena.close();
    }

    @ParameterizedTest
    @MethodSource("io.github.chaijlama.kernel.AttentionCases#rowCases")
    void rowsComeBackAsTheirTypeRoundsThem(AttentionKernels kernels, KvType type, int headSize, Values values) {
        int count = 5;
        Block in = new Block(arena, count * headSize, values, 20);
        StoredRows rows = new StoredRows(kernels, type, headSize, in);
        Block out = new Block(arena, count * headSize);

        kernels.loadRows(out.segment, PAD, type, rows.segment, StoredRows.AT, count, headSize);

        for (int row = 0; row < count; row++) {
            double max = 0;
            for (int i = 0; i < headSize; i++) {
                max = Math.max(max, Math.abs(in.get(row * headSize + i)));
            }
            for (int i = 0; i < headSize; i++) {
                float value = in.get(row * headSize + i);
                double tolerance = switch (type) {
                    case F32 -> 0;
                    case BF16 -> Math.max(0x1p-8 * Math.abs(value), 0x1p-133);
                    case I8 -> Math.max(0.5001 * max / 127, 1e-35);
                };
                assertThat((double) out.get(row * headSize + i)).isCloseTo(value, within(tolerance));
            }
        }
        out.assertGuardsIntact();
        rows.assertGuardsIntact();
    }

    @ParameterizedTest
    @MethodSource("io.github.chaijlama.kernel.AttentionCases#rowCases")
    void scoresOfStoredRows(AttentionKernels kernels, KvType type, int headSize, Values values) {
        for (int count : new int[]{ 1, 3, 4, 5, 31 }) {
            Block query = new Block(arena, headSize, values, 21);
            StoredRows keys = new StoredRows(kernels, type, headSize, new Block(arena, count * headSize, values, 22));
            Block stored = keys.loaded(kernels, count);
            Block out = new Block(arena, count);

            kernels.scores(out.segment, PAD, query.segment, PAD, type, keys.segment, StoredRows.AT, count, headSize,
                    0.3f);

            for (int key = 0; key < count; key++) {
                double sum = 0;
                double absolute = 0;
                for (int i = 0; i < headSize; i++) {
                    double product = (double) query.get(i) * stored.get(key * headSize + i);
                    sum += product;
                    absolute += Math.abs(product);
                }
                assertSum(out.get(key), 0.3f * sum, headSize + 3, 0.3f * absolute);
            }
            out.assertGuardsIntact();
        }
    }

    @ParameterizedTest
    @MethodSource("io.github.chaijlama.kernel.AttentionCases#rowCases")
    void weightedSumsOfStoredRows(AttentionKernels kernels, KvType type, int headSize, Values values) {
        for (int count : new int[]{ 1, 3, 4, 5, 31 }) {
            Block weights = new Block(arena, count, Values.ORDINARY, 23);
            StoredRows rows = new StoredRows(kernels, type, headSize, new Block(arena, count * headSize, values, 24));
            Block stored = rows.loaded(kernels, count);
            Block out = new Block(arena, headSize, values, 25);
            float[] before = out.floats();

            kernels.weightedSum(out.segment, PAD, weights.segment, PAD, type, rows.segment, StoredRows.AT, count,
                    headSize);

            for (int i = 0; i < headSize; i++) {
                double sum = before[i];
                double absolute = Math.abs(sum);
                for (int row = 0; row < count; row++) {
                    double product = (double) weights.get(row) * stored.get(row * headSize + i);
                    sum += product;
                    absolute += Math.abs(product);
                }
                assertSum(out.get(i), sum, count + 4, absolute);
            }
            out.assertGuardsIntact();
        }
    }

    @ParameterizedTest
    @MethodSource("io.github.chaijlama.kernel.AttentionCases#rowCases")
    void whatIsNotFiniteIsNotHidden(AttentionKernels kernels, KvType type, int headSize, Values values) {
        for (float broken : new float[]{ Float.NaN, Float.POSITIVE_INFINITY, Float.intBitsToFloat(0x7F800001) }) {
            for (int at : new int[]{ 0, headSize - 1 }) {
                Block in = new Block(arena, headSize, values, 26);
                in.set(at, broken);
                StoredRows rows = new StoredRows(kernels, type, headSize, in);
                assertThat(Float.isFinite(rows.loaded(kernels, 1).get(at))).isFalse();
            }
        }
    }

    /** Rows in the middle of a segment, at an odd place, with guards around them. */
    private final class StoredRows {
        static final long AT = 6;
        private static final byte BYTE_GUARD = 77;
        final MemorySegment segment;
        private final KvType type;
        private final int headSize;

        StoredRows(AttentionKernels kernels, KvType type, int headSize, Block in) {
            int count = in.length / headSize;
            this.type = type;
            this.headSize = headSize;
            this.segment = arena.allocate(2 * AT + (long) count * type.rowBytes(headSize), 4);
            segment.fill(BYTE_GUARD);
            for (int row = 0; row < count; row++) {
                kernels.storeRow(type, segment, AT + (long) row * type.rowBytes(headSize), in.segment,
                        PAD + (long) row * headSize, headSize);
            }
        }

        Block loaded(AttentionKernels kernels, int count) {
            Block out = new Block(arena, count * headSize);
            kernels.loadRows(out.segment, PAD, type, segment, AT, count, headSize);
            return out;
        }

        void assertGuardsIntact() {
            for (int i = 0; i < AT; i++) {
                assertThat(segment.get(JAVA_BYTE, i)).isEqualTo(BYTE_GUARD);
                assertThat(segment.get(JAVA_BYTE, segment.byteSize() - 1 - i)).isEqualTo(BYTE_GUARD);
            }
        }
    }
}
