// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;

import org.assertj.core.api.ThrowableAssert;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.chaijlama.kv.KvType;

import static io.github.chaijlama.kernel.Block.GUARD;
import static io.github.chaijlama.kernel.Block.PAD;
import static io.github.chaijlama.kernel.TestedKernels.UNIT;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

/**
 * Both implementations of every kernel against a reference in double, at awkward sizes and offsets. Run once for each
 * vector width (see the executions of the surefire plugin), with the JVM's vector bounds checks on.
 */
class AttentionKernelsTests {
    private static final int[] HEAD_SIZES = { 2, 4, 6, 8, 10, 14, 16, 24, 32, 40, 64, 72, 80, 96, 100, 128, 192, 256 };
    private static final int[] COUNTS = { 1, 2, 3, 4, 5, 7, 8, 13, 31, 32, 33, 64, 127, 128 };
    private static final long PAD_BYTES = PAD * (long) Float.BYTES;

    private final Arena arena = Arena.ofShared();

    @AfterEach
    void close() {
        arena.close();
    }

    static List<AttentionKernels> kernels() {
        return TestedKernels.ofAttention();
    }

    /** Kernels, head sizes, numbers of keys, and kinds of values. */
    static Stream<Arguments> cases() {
        List<Arguments> cases = new ArrayList<>();
        for (AttentionKernels kernels : kernels()) {
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

    /** As {@link Block}, in a Java array. */
    private static final class Tile {
        final float[] array;

        Tile(int length) {
            array = new float[length + 2 * PAD];
            Arrays.fill(array, 0, PAD, GUARD);
            Arrays.fill(array, PAD + length, array.length, GUARD);
        }

        Tile(int length, Values values, int seed) {
            this(length);
            SplittableRandom random = new SplittableRandom(seed);
            for (int i = 0; i < length; i++) {
                set(i, values.next(random));
            }
        }

        float get(int i) {
            return array[PAD + i];
        }

        void set(int i, float value) {
            array[PAD + i] = value;
        }

        void assertGuardsIntact() {
            for (int i = 0; i < PAD; i++) {
                assertThat(array[i]).isEqualTo(GUARD);
                assertThat(array[array.length - 1 - i]).isEqualTo(GUARD);
            }
        }
    }

    /** Asserts a sum of products: rounding grows with the number of terms and with their size, not with the result. */
    private static void assertSum(float actual, double expected, int terms, double sumOfAbsolutes) {
        assertThat((double) actual).isCloseTo(expected,
                within((terms + 2) * UNIT * sumOfAbsolutes + 1e-44));
    }

    @ParameterizedTest
    @MethodSource("cases")
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
    @MethodSource("cases")
    void softmax(AttentionKernels kernels, int headSize, int count, Values values) {
        Block scores = new Block(arena, count, values, 3);
        double[] expected = softmax(scores, count);

        kernels.softmax(scores.segment, PAD, count);

        for (int i = 0; i < count; i++) {
            assertProbability(scores.get(i), expected[i]);
        }
        scores.assertGuardsIntact();
    }

    private static double[] softmax(Block scores, int count) {
        double max = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < count; i++) {
            max = Math.max(max, scores.get(i));
        }
        double[] values = new double[count];
        double sum = 0;
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
    private static void assertProbability(float actual, double expected) {
        assertThat((double) actual).isCloseTo(expected,
                within(200 * UNIT * expected + 2e-37));
    }

    @ParameterizedTest
    @MethodSource("cases")
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
    @MethodSource("cases")
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

    @ParameterizedTest
    @MethodSource("cases")
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
    @MethodSource("cases")
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
    @MethodSource("cases")
    void softmaxTileInRunsIsTheSoftmaxOfAll(AttentionKernels kernels, int headSize, int count, Values values) {
        int tileRows = kernels.tileRows();
        int firstPosition = 5; // row r sees keys 0 to firstPosition + r
        Tile scores = new Tile(count * tileRows, values, 13);
        Tile state = new Tile(3 * tileRows);
        for (int row = 0; row < tileRows; row++) {
            state.set(row, Float.NEGATIVE_INFINITY);
            state.set(tileRows + row, 0);
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
            double[] expected = softmax(column, seen);
            for (int key = 0; key < count; key++) {
                float probability = scores.get(key * tileRows + row) / state.get(tileRows + row);
                assertProbability(probability, key < seen ? expected[key] : 0);
            }
        }
        scores.assertGuardsIntact();
        state.assertGuardsIntact();
    }

    @ParameterizedTest
    @MethodSource("cases")
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
    @MethodSource("cases")
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

    /** Kernels, types of rows, head sizes, and kinds of values. */
    static Stream<Arguments> rowCases() {
        List<Arguments> cases = new ArrayList<>();
        for (AttentionKernels kernels : kernels()) {
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

    @ParameterizedTest
    @MethodSource("rowCases")
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
    @MethodSource("rowCases")
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
    @MethodSource("rowCases")
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
    @MethodSource("rowCases")
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

    @ParameterizedTest
    @MethodSource("kernels")
    void refuseRangesOutsideTheirSegments(AttentionKernels kernels) {
        MemorySegment small = arena.allocate(4L * 10);
        MemorySegment big = arena.allocate(4L * 100_000);
        float[] few = new float[3];
        float[] many = new float[1000];
        KvType f32 = KvType.F32;

        assertOutOfBounds(() -> kernels.scores(small, 0, big, 0, f32, big, 0, 11, 16, 1));
        assertOutOfBounds(() -> kernels.scores(big, 0, small, 0, f32, big, 0, 4, 16, 1));
        assertOutOfBounds(() -> kernels.scores(big, 0, big, 0, f32, big, 399_960, 1, 16, 1));
        assertOutOfBounds(() -> kernels.scores(big, -1, big, 0, f32, big, 0, 1, 16, 1));
        assertOutOfBounds(() -> kernels.softmax(small, 5, 6));
        assertOutOfBounds(() -> kernels.weightedSum(small, 0, big, 0, f32, big, 0, 1, 16));
        assertOutOfBounds(() -> kernels.weightedSum(big, 0, big, 0, KvType.I8, small, 0, 3, 16));
        assertOutOfBounds(() -> kernels.storeRow(KvType.BF16, small, 9, big, 0, 16));
        assertOutOfBounds(() -> kernels.storeRow(KvType.I8, big, 0, small, 0, 16));
        assertOutOfBounds(() -> kernels.loadRows(small, 0, KvType.I8, big, 0, 1, 16));
        assertOutOfBounds(() -> kernels.loadRows(big, 0, KvType.I8, small, 21, 1, 16));
        assertOutOfBounds(() -> kernels.rotate(big, 0, small, 0, big, 0, 16));
        assertThatThrownBy(() -> kernels.transposeTile(big, 0, big, 0, 16, kernels.tileRows() + 1, 16))
                .isInstanceOf(IndexOutOfBoundsException.class).hasMessageContaining("1 to " + kernels.tileRows());
        assertOutOfBounds(() -> kernels.scoresTile(few, 0, big, 0, big, 0, 2, 16, 1));
        assertOutOfBounds(() -> kernels.scoresTile(many, 0, big, 0, small, 0, 2, 16, 1));
        assertOutOfBounds(() -> kernels.softmaxTile(many, 0, few, 0, 1, 1));
        assertOutOfBounds(() -> kernels.weightedSumTile(big, 0, many, 0, many, 0, small, 0, 1, 16));
        assertOutOfBounds(() -> kernels.weightedSumTile(big, 0, many, 0, few, 0, big, 0, 1, 16));
        assertOutOfBounds(() -> kernels.normalizeTile(big, 99_999, 16, big, 0, many, 0, 1, 16));
        assertOutOfBounds(() -> kernels.normalizeTile(big, 0, 16, big, 0, few, 0, 1, 16));
    }

    private static void assertOutOfBounds(ThrowableAssert.ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void refuseMemoryTheyCannotAddress(AttentionKernels kernels) {
        MemorySegment heap = MemorySegment.ofArray(new float[100]);
        assertThatThrownBy(() -> kernels.softmax(heap, 0, 10)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("native memory");
        Arena shortLived = Arena.ofConfined();
        MemorySegment freed = shortLived.allocate(400, 4);
        shortLived.close();
        assertThatThrownBy(() -> kernels.softmax(freed, 0, 10)).isInstanceOf(IllegalStateException.class);
    }
}
