// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

import io.github.chaijlama.model.Excerpt;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.model.StoredQuantization;
import io.github.chaijlama.safetensors.SafetensorsFile.Entry;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

/**
 * Factors of a matrix's numbers, or what is taken from these, {@code (rows / blockRows, columns / blockColumns)}: one
 * for all, for each row, for groups of a row, or for blocks. Immutable.
 *
 * @param scales       the tensor they are in
 * @param blockRows    rows of the matrix that share a row of factors
 * @param blockColumns columns of the matrix that share a factor
 * @param width        factors of a row
 */
record ScaleGrid(Entry scales, int blockRows, int blockColumns, int width) {
    private static final ValueLayout.OfFloat FLOAT = JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED
            .withOrder(ByteOrder.LITTLE_ENDIAN);

    /**
     * Finds out which numbers of a matrix share a factor.
     *
     * @param quantization knows the size of blocks, if there are some
     * @throws ModelLoadException if there are not as many factors as the matrix needs
     */
    static ScaleGrid of(Entry scales, long rows, long columns, StoredQuantization quantization) {
        long[] shape = scales.shape();
        long height = shape.length == 0 ? 1 : shape[0];
        long width = shape.length < 2 ? 1 : shape[1];
        boolean isBlocks = quantization.blockRows() > 0
                && height == Math.ceilDiv(rows, quantization.blockRows())
                && width == Math.ceilDiv(columns, quantization.blockColumns());
        boolean fits = shape.length <= 2 && height > 0 && width > 0
                && (isBlocks || rows % height == 0 && columns % width == 0);
        if (!fits || !isKnown(scales.type())) {
            throw new ModelLoadException("tensor " + scales.name() + " must have factors for a matrix of "
                    + rows + " x " + columns + " values, of type F32, BF16 or F16, found " + Excerpt.of(scales.type())
                    + " " + Excerpt.of(Arrays.toString(shape)));
        }
        return isBlocks
                ? new ScaleGrid(scales, quantization.blockRows(), quantization.blockColumns(), (int) width)
                : new ScaleGrid(scales, (int) (rows / height), (int) (columns / width), (int) width);
    }

    private static boolean isKnown(String type) {
        return switch (type) {
            case "F32", "BF16", "F16", "F8_E8M0", "I8" -> true;
            default -> false;
        };
    }

    /** Returns the factor of a number. */
    float at(long row, int column) {
        return factor(row, column / blockColumns);
    }

    /** Returns a factor of a row. */
    float factor(long row, int group) {
        long index = row / blockRows * width + group;
        return switch (scales.type()) {
            case "F32" -> scales.memory().getAtIndex(FLOAT, index);
            case "BF16" -> Float.intBitsToFloat(scales.memory().getAtIndex(SHORT, index) << 16);
            case "F16" -> Float.float16ToFloat(scales.memory().getAtIndex(SHORT, index));
            case "I8" -> scales.memory().get(JAVA_BYTE, index);
            default -> powerOfTwo(scales.memory().get(JAVA_BYTE, index) & 0xFF);
        };
    }

    private static float powerOfTwo(int bits) {
        return bits == 0xFF ? Float.NaN : Math.scalb(1f, bits - 127);
    }

    /** Whether each block of a weight's row has one factor. */
    boolean sharesBlocks() {
        return blockColumns % Weight.BLOCK == 0 || width == 1;
    }

    /** Returns the largest factor without its sign; not a number if one of them is none. */
    float largest() {
        float largest = 0;
        long count = Arrays.stream(scales.shape()).reduce(1, (a, b) -> a * b);
        for (long i = 0; i < count; i++) {
            float factor = Math.abs(factor(i / width * blockRows, (int) (i % width)));
            largest = Math.max(largest, factor); // NaN stays NaN
        }
        return largest;
    }
}
