// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;

import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.model.TensorPart;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

/** A matrix whose values are numbers times factors, as FP8 and compressed-tensors have it. */
abstract class ScaledTensor implements PackedTensor {
    final ScaleGrid scales;

    ScaledTensor(ScaleGrid scales) {
        this.scales = scales;
    }

    /** Returns the values of a row. */
    abstract int columns();

    /** Reads the numbers of a row, without factors. */
    abstract void numbers(long row, float[] to);

    /** Returns the factor of a number. */
    float factor(long row, int column) {
        return scales.at(row, column);
    }

    /** Returns the rows of a part if the files have them as its format does, else a place that is written to. */
    MemorySegment data(TensorPart part, Arena arena) {
        return PackedTensor.allocate(arena, format().bytes((long) part.rows() * columns()), name());
    }

    /** Whether {@link #data} are the files' and not to be written to. */
    boolean isMapped() {
        return false;
    }

    /** Whether the numbers of a row are numbers. */
    boolean isFinite(long row) {
        return true;
    }

    @Override
    public final Weight unpack(TensorPart part, Arena arena, RowConverter converter) {
        if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
            throw new ModelLoadException("weights can be converted on little endian machines only");
        }
        MemorySegment factors = format().isQuantized()
                ? PackedTensor.allocate(arena, (long) part.rows() * columns() / Weight.BLOCK * Float.BYTES, name())
                : MemorySegment.NULL;
        Weight weight = new Weight(name(), format(), part.rows(), columns(), data(part, arena), factors);
        AtomicBoolean finite = new AtomicBoolean(true);
        converter.forRows(weight, (first, end) -> {
            float[] row = new float[columns()];
            for (int i = first; i < end; i++) {
                if (!unpack(part, i, weight, row)) {
                    finite.set(false);
                }
            }
        });
        if (!finite.get()) {
            throw new ModelLoadException("tensor " + name() + " holds values or factors that are not finite numbers");
        }
        return weight;
    }

    /**
     * Checks that a part is a matrix of a shape.
     *
     * @throws ModelLoadException if it is not
     */
    static void requireMatrix(TensorPart part, long[] shape, String tensor) {
        long[] asked = part.shape().stream().mapToLong(Long::longValue).toArray();
        if (!part.isContiguous() || !Arrays.equals(asked, shape)) {
            throw new ModelLoadException("tensor " + tensor + " is of shape " + Arrays.toString(shape)
                    + ", config.json asks for " + Arrays.toString(asked)
                    + (part.isContiguous() ? "" : ", not row after row"));
        }
    }

    private boolean unpack(TensorPart part, int row, Weight to, float[] values) {
        long from = PackedTensor.sourceRow(part, row);
        boolean finite = isFinite(from);
        if (!isMapped()) {
            numbers(from, values);
            finite &= store(row, to, from, values);
        }
        if (to.format().isQuantized()) {
            long first = (long) row * columns() / Weight.BLOCK;
            for (int block = 0; block < columns() / Weight.BLOCK; block++) {
                float factor = factor(from, block * Weight.BLOCK);
                finite &= Float.isFinite(factor);
                to.factors().setAtIndex(JAVA_FLOAT, first + block, factor);
            }
        }
        return finite;
    }

    /** Returns whether all values are finite numbers, as far as they have been multiplied. */
    private boolean store(int row, Weight to, long from, float[] numbers) {
        long first = (long) row * numbers.length;
        boolean finite = true;
        switch (to.format()) {
            case I8 -> {
                for (int i = 0; i < numbers.length; i++) {
                    to.data().set(JAVA_BYTE, first + i, (byte) numbers[i]);
                }
            }
            case Q4 -> {
                for (int i = 0; i < numbers.length / 2; i++) {
                    int at = i / (Weight.BLOCK / 2) * Weight.BLOCK + i % (Weight.BLOCK / 2);
                    int pair = (int) numbers[at] + 8 | (int) numbers[at + Weight.BLOCK / 2] + 8 << 4;
                    to.data().set(JAVA_BYTE, first / 2 + i, (byte) pair);
                }
            }
            case F32 -> {
                for (int i = 0; i < numbers.length; i++) {
                    float value = numbers[i] * factor(from, i);
                    finite &= Float.isFinite(value);
                    to.data().setAtIndex(JAVA_FLOAT, first + i, value);
                }
            }
            default -> throw new IllegalStateException(name() + " is not stored as " + to.format());
        }
        return finite;
    }
}
