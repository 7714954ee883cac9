// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.SplittableRandom;

import com.github.tjake.jlama.tensor.FloatBufferTensor;
import com.github.tjake.jlama.tensor.Q4ByteBufferTensor;
import com.github.tjake.jlama.tensor.Q8ByteBufferTensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.model.WeightRole;
import io.github.chaijlama.parallel.WorkerPool;

import static io.github.chaijlama.weight.WeightFormat.BF16;
import static io.github.chaijlama.weight.WeightFormat.F16;
import static io.github.chaijlama.weight.WeightFormat.F32;
import static io.github.chaijlama.weight.WeightFormat.Q4;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;

class WeightConverterTests {
    private final Arena arena = Arena.ofShared();
    private final WeightConverter converter = new WeightConverter(arena, new WorkerPool(2));

    @AfterEach
    void close() {
        arena.close();
    }

    private Weight weight(int rows, float... values) {
        return new Weight("w", WeightFormat.F32, rows, values.length / rows, arena.allocateFrom(JAVA_FLOAT, values));
    }

    private Weight convert(Weight weight, WeightFormat format) {
        return converter.convert(weight, format, _ -> {});
    }

    private static float[] floats(Weight weight) {
        float[] row = new float[weight.columns()];
        float[] all = new float[Math.toIntExact(weight.size())];
        for (int i = 0; i < weight.rows(); i++) {
            new WeightRows(weight).decode(i, MemorySegment.ofArray(row), 0);
            System.arraycopy(row, 0, all, i * row.length, row.length);
        }
        return all;
    }

    /** Sign, 5 bits of exponent, 10 of mantissa (IEEE 754, binary16). */
    private static double half(int bits) {
        int exponent = bits >> 10 & 31;
        int mantissa = bits & 1023;
        double size = exponent == 31 ? mantissa == 0 ? Double.POSITIVE_INFINITY : Double.NaN
                : exponent == 0 ? Math.scalb(mantissa, -24) : Math.scalb(1024 + mantissa, exponent - 25);
        return bits < 1 << 15 ? size : -size;
    }

    @Test
    void everyFloat16IsConvertedExactly() {
        MemorySegment halves = arena.allocate(2 << 16, 2);
        for (int bits = 0; bits < 1 << 16; bits++) {
            halves.setAtIndex(JAVA_SHORT, bits, (short) bits);
        }
        Weight converted = convert(new Weight("w", WeightFormat.F16, 64, 1024, halves), WeightFormat.F32);
        assertThat(converted.format()).isEqualTo(WeightFormat.F32);
        for (int bits = 0; bits < 1 << 16; bits++) {
            assertThat((double) converted.data().getAtIndex(JAVA_FLOAT, bits)).isEqualTo(Double.valueOf(half(bits)));
        }
    }

    /** Jlama's class does it when a model is quantized offline: the same file either way. */
    @Test
    void quantizesAsJlamaDoes() {
        SplittableRandom random = new SplittableRandom(1);
        float[] values = new float[70 * 2048];
        FloatBufferTensor tensor = new FloatBufferTensor(70, 2048);
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.nextDouble(-1, 1) * Math.scalb(1, random.nextInt(-20, 20)));
            tensor.set(values[i], i / 2048, i % 2048);
        }
        Weight ours = convert(weight(70, values), WeightFormat.Q4);
        Q4ByteBufferTensor jlamas = new Q4ByteBufferTensor(tensor);
        assertThat(ours.data().toArray(JAVA_BYTE)).isEqualTo(jlamas.getMemorySegment().toArray(JAVA_BYTE));
        assertThat(ours.factors().toArray(JAVA_FLOAT))
                .isEqualTo(jlamas.getBlockF().getMemorySegment().toArray(JAVA_FLOAT));
    }

    /** As the other one; Jlama reads such files, if it cannot multiply with them. */
    @Test
    void quantizesToEightBitsAsJlamaDoes() {
        SplittableRandom random = new SplittableRandom(3);
        float[] values = new float[70 * 2048];
        FloatBufferTensor tensor = new FloatBufferTensor(70, 2048);
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.nextDouble(-1, 1) * Math.scalb(1, random.nextInt(-20, 20)));
            tensor.set(values[i], i / 2048, i % 2048);
        }
        Weight ours = convert(weight(70, values), WeightFormat.I8);
        Q8ByteBufferTensor jlamas = new Q8ByteBufferTensor(tensor);
        assertThat(ours.data().toArray(JAVA_BYTE)).isEqualTo(jlamas.getMemorySegment().toArray(JAVA_BYTE));
        assertThat(ours.factors().toArray(JAVA_FLOAT))
                .isEqualTo(jlamas.getBlockF().getMemorySegment().toArray(JAVA_FLOAT));
    }

    @Test
    void i8IsAsNearAsEightBitsCanBe() {
        float[] values = new float[64];
        SplittableRandom random = new SplittableRandom(4);
        for (int i = 0; i < 32; i++) {
            values[i] = (float) random.nextDouble(-1, 1);
        }
        values[5] = -1.5f; // the second block is 0
        Weight i8 = convert(weight(1, values), WeightFormat.I8);
        float[] back = floats(i8);
        for (int i = 0; i < 64; i++) {
            assertThat(back[i]).isCloseTo(values[i], offset(1.5f / 127 / 2 + 1e-6f));
        }
        assertThat(i8.bytes()).isEqualTo(2 * 36);
    }

    /** More values than are converted in one go, and more rows than one task has. */
    @ParameterizedTest
    @ValueSource(ints = { 1, 2, 3, 7 })
    void bitsDoNotDependOnThreads(int threads) {
        int rows = 601;
        float[] values = new float[rows * (1 << 15)];
        SplittableRandom random = new SplittableRandom(5);
        for (int i = 0; i < values.length; i++) {
            values[i] = (random.nextInt() >> 8) * 0x1p-24f;
        }
        Weight all = weight(rows, values);
        long[] told = new long[1];
        try (WorkerPool workers = new WorkerPool(threads)) {
            Weight converted = new WeightConverter(arena, workers).convert(all, Q4, count -> told[0] += count);
            assertThat(told[0]).isEqualTo(all.size());
            for (int row : new int[]{ 0, 1, 300, 511, 512, 600 }) {
                Weight alone = convert(all.rows(row, 1), Q4);
                assertThat(converted.rows(row, 1).data().mismatch(alone.data())).isEqualTo(-1);
                assertThat(converted.rows(row, 1).factors().mismatch(alone.factors())).isEqualTo(-1);
            }
        }
    }

    /** Between -8 and 7 the nearest number is taken; the largest value of the other sign may lose one more half. */
    @Test
    void q4IsAsNearAsFourBitsCanBe() {
        float[] values = new float[64];
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 0; i < 32; i++) {
            values[i] = (float) random.nextDouble(-1, 1);
        }
        values[5] = -1.5f; // the second block is 0
        Weight q4 = convert(weight(1, values), WeightFormat.Q4);
        float[] back = floats(q4);
        float step = 1.5f / 8;
        for (int i = 0; i < 64; i++) {
            assertThat(back[i]).isCloseTo(values[i], offset(step / 2 + 1e-6f));
        }
        assertThat(back[5]).isEqualTo(-1.5f);
        assertThat(q4.bytes()).isEqualTo(2 * 20);
        assertThat(floats(convert(q4, WeightFormat.F32))).isEqualTo(back);
    }

    @Test
    void valuesTooSmallForAFactorBecomeZero() {
        float[] values = new float[32];
        values[3] = Float.MIN_VALUE;
        values[4] = -Float.MIN_NORMAL / 4;
        assertThat(floats(convert(weight(1, values), WeightFormat.Q4))).containsOnly(0);
        assertThat(floats(convert(weight(1, values), WeightFormat.I8))).containsOnly(0);
    }

    @ParameterizedTest
    @ValueSource(floats = { Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY })
    void valuesThatAreNoNumbersAreNotQuantized(float value) {
        float[] values = new float[3 * 32];
        values[40] = value;
        assertThatThrownBy(() -> convert(weight(3, values), WeightFormat.Q4))
                .isInstanceOf(ModelLoadException.class)
                .hasMessage("tensor w holds values that are not finite numbers");
        assertThatThrownBy(() -> convert(weight(3, values), WeightFormat.I8))
                .isInstanceOf(ModelLoadException.class)
                .hasMessage("tensor w holds values that are not finite numbers");
    }

    @Test
    void rowsMustBeWholeBlocks() {
        assertThatThrownBy(() -> convert(weight(2, new float[66]), WeightFormat.Q4))
                .isInstanceOf(ModelLoadException.class)
                .hasMessage("tensor w has rows of 33 values, Q4 needs a multiple of 32");
        assertThatThrownBy(() -> convert(weight(2, new float[66]), WeightFormat.I8))
                .isInstanceOf(ModelLoadException.class)
                .hasMessage("tensor w has rows of 33 values, I8 needs a multiple of 32");
    }

    @Test
    void whatAWeightIsForDecidesItsFormat() {
        WeightFormats stored = new WeightFormats(EnumSet.of(F32, BF16, Q4), EnumSet.allOf(WeightFormat.class));
        assertThat(stored.formatOf(WeightRole.MATRIX, BF16)).isEqualTo(BF16);
        assertThat(stored.formatOf(WeightRole.MATRIX, F16)).isEqualTo(F32);
        assertThat(stored.formatOf(WeightRole.TABLE, F16)).isEqualTo(F16);
        assertThat(stored.formatOf(WeightRole.TIED_TABLE, F16)).isEqualTo(F32);
        assertThat(stored.formatOf(WeightRole.TIED_TABLE, BF16)).isEqualTo(BF16);
        assertThat(stored.formatOf(WeightRole.VECTOR, BF16)).isEqualTo(F32);
        assertThat(stored.formatOf(WeightRole.ROUTER, BF16)).isEqualTo(BF16);
    }
}
