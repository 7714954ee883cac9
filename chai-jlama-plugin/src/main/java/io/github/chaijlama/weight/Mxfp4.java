// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

import io.github.chaijlama.model.Excerpt;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.model.TensorPart;
import io.github.chaijlama.safetensors.SafetensorsFile.Entry;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

/**
 * Matrices of 4-bit floats in blocks of 32 that share a power of two (OCP Microscaling Formats, MXFP4), in two tensors:
 * {@code NAME_blocks} {@code (..., rows, blocks, 16)} and {@code NAME_scales} {@code (..., rows, blocks)}. Twice a
 * value is a whole number up to 12, so that they become {@link WeightFormat#I8} without losing anything.
 *
 * @param name   of the tensor they stand for
 * @param blocks two values to a byte, the first one in the lower half
 * @param scales a power of two for each block, plus 127
 */
record Mxfp4(String name, Entry blocks, Entry scales) implements PackedTensor {
    /** What a tensor's name ends with that has values. */
    static final String BLOCKS = "_blocks";
    /** What a tensor's name ends with that has factors. */
    static final String SCALES = "_scales";

    private static final int BLOCK = Weight.BLOCK;
    private static final int BYTES = BLOCK / 2;
    private static final byte[] DOUBLED = { 0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12 };
    private static final int BIAS = 127;
    private static final int NOT_A_NUMBER = 255;

    @Override
    public String type() {
        return "MXFP4";
    }

    @Override
    public WeightFormat format() {
        return WeightFormat.I8;
    }

    @Override
    public void requireFits(TensorPart part) {
        long[] shape = part.shape().stream().mapToLong(Long::longValue).toArray();
        int last = shape.length - 1;
        if (part.transposed() || shape[last] % BLOCK != 0) {
            throw new ModelLoadException("tensor " + blocks.name() + " must have rows of a multiple of " + BLOCK
                    + " values, config.json asks for " + Arrays.toString(shape));
        }
        long[] ofScales = shape.clone();
        ofScales[last] /= BLOCK;
        long[] ofBlocks = Arrays.copyOf(ofScales, shape.length + 1);
        ofBlocks[shape.length] = BYTES;
        requireShape(blocks, ofBlocks);
        requireShape(scales, ofScales);
    }

    private static void requireShape(Entry entry, long[] shape) {
        if (!entry.type().equals("U8") || !Arrays.equals(entry.shape(), shape)) {
            throw new ModelLoadException("tensor " + entry.name() + " must be of type U8 and shape "
                    + Arrays.toString(shape) + ", found " + Excerpt.of(entry.type()) + " "
                    + Excerpt.of(Arrays.toString(entry.shape())));
        }
    }

    @Override
    public Weight unpack(TensorPart part, Arena arena, RowConverter converter) {
        int rows = part.rows();
        int columns = part.columns();
        int blocksOfRow = columns / BLOCK;
        MemorySegment data = PackedTensor.allocate(arena, (long) rows * columns, blocks.name());
        MemorySegment factors = PackedTensor.allocate(arena, (long) rows * blocksOfRow * Float.BYTES,
                blocks.name());
        Weight weight = new Weight(name, WeightFormat.I8, rows, columns, data, factors);
        AtomicBoolean finite = new AtomicBoolean(true);
        converter.forRows(weight, (first, end) -> {
            for (int row = first; row < end; row++) {
                if (!unpackRow(part, row, weight)) {
                    finite.set(false);
                }
            }
        });
        if (!finite.get()) {
            throw new ModelLoadException("tensor " + scales.name() + " holds scales that are not numbers");
        }
        return weight;
    }

    /** Returns whether all scales of a row are numbers. */
    private boolean unpackRow(TensorPart part, int row, Weight to) {
        int blocksOfRow = part.columns() / BLOCK;
        long from = PackedTensor.sourceRow(part, row);
        boolean finite = true;
        for (int block = 0; block < blocksOfRow; block++) {
            long source = from * blocksOfRow + block;
            long target = (long) row * blocksOfRow + block;
            int scale = Byte.toUnsignedInt(scales.memory().get(JAVA_BYTE, source));
            finite &= scale != NOT_A_NUMBER;
            to.factors().setAtIndex(JAVA_FLOAT, target, Math.scalb(0.5f, scale - BIAS));
            for (int i = 0; i < BYTES; i++) {
                int pair = blocks.memory().get(JAVA_BYTE, source * BYTES + i);
                to.data().set(JAVA_BYTE, target * BLOCK + 2L * i, DOUBLED[pair & 15]);
                to.data().set(JAVA_BYTE, target * BLOCK + 2L * i + 1, DOUBLED[pair >> 4 & 15]);
            }
        }
        return finite;
    }

    @Override
    public long bytes(TensorPart part) {
        return (long) part.rows() * part.columns() / BLOCK * (BYTES + 1);
    }

    @Override
    public List<String> tensors() {
        return List.of(blocks.name(), scales.name());
    }
}
