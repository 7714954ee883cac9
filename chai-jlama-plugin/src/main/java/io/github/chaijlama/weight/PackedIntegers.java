// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

import io.github.chaijlama.model.Excerpt;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.model.StoredQuantization;
import io.github.chaijlama.model.TensorPart;
import io.github.chaijlama.safetensors.SafetensorsFile.Entry;

/**
 * A matrix of whole numbers of two, four or eight bits in 32-bit words, as compressed-tensors packs it: the first
 * number in the lowest bits, each plus half of what the bits can hold; zero points the same way along columns.
 * Four bits without zero points are {@link WeightFormat#Q4}, what else fits into a byte is {@link WeightFormat#I8},
 * where the numbers of a block share a factor.
 */
final class PackedIntegers extends ScaledTensor {
    /** What the name of the words ends with. */
    static final String WORDS = "_packed";
    /** What the name of the two sizes ends with. */
    static final String SHAPE = "_shape";
    /** What the name of the list of columns' factors ends with. */
    static final String GROUPS = "_g_idx";

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final String name;
    private final Entry packed;
    private final Entry shape;
    private final Optional<Entry> zeroPoints;
    private final Optional<Entry> columnGroups;
    private final long[] size;
    private final int bits;
    private final WeightFormat format;

    private PackedIntegers(String name, Entry packed, Entry shape, ScaleGrid scales, Optional<Entry> zeroPoints,
            Optional<Entry> columnGroups, long[] size, int bits) {
        super(scales);
        this.name = name;
        this.packed = packed;
        this.shape = shape;
        this.zeroPoints = zeroPoints;
        this.columnGroups = columnGroups;
        this.size = size;
        this.bits = bits;
        boolean inBlocks = scales.sharesBlocks() && columns() % Weight.BLOCK == 0 && columnGroups.isEmpty();
        boolean whole = bits < Byte.SIZE || zeroPoints.isEmpty();
        this.format = !inBlocks || !whole ? WeightFormat.F32
                : bits <= 4 && zeroPoints.isEmpty() ? WeightFormat.Q4 : WeightFormat.I8;
    }

    /**
     * Creates a tensor.
     *
     * @param name         of the tensor that it stands for
     * @param packed       words, {@code (rows, columns * bits / 32)}
     * @param scales       factors
     * @param shape        rows and columns
     * @param zeroPoints   words, {@code (rows * bits / 32, groups)}
     * @param columnGroups which factor of a row a column has, where they do not take turns
     * @throws ModelLoadException if shapes do not fit each other
     */
    static PackedIntegers of(String name, Entry packed, Entry scales, Entry shape, Optional<Entry> zeroPoints,
            Optional<Entry> columnGroups) {
        long[] size = size(shape);
        long[] words = packed.shape();
        int bits = words.length != 2 ? 0 : bits(words[1], size[1]);
        if (bits == 0 || !packed.type().equals("I32") || words[0] != size[0]) {
            throw new ModelLoadException("tensor " + packed.name() + " must hold " + size[0] + " x " + size[1]
                    + " values of 2, 4 or 8 bits in words of type I32, found " + Excerpt.of(packed.type()) + " "
                    + Excerpt.of(Arrays.toString(words)));
        }
        ScaleGrid grid = ScaleGrid.of(scales, size[0], size[1], StoredQuantization.NONE);
        zeroPoints.ifPresent(points -> requireShape(points, Math.ceilDiv(size[0] * bits, 32L), grid.width()));
        columnGroups.ifPresent(groups -> requireShape(groups, size[1]));
        return new PackedIntegers(name, packed, shape, grid, zeroPoints,
                columnGroups.filter(groups -> !takeTurns(groups, grid)), size, bits);
    }

    private static long[] size(Entry shape) {
        boolean isLong = shape.type().equals("I64");
        if (!Arrays.equals(shape.shape(), new long[]{ 2 }) || !isLong && !shape.type().equals("I32")) {
            throw new ModelLoadException("tensor " + shape.name() + " must be two numbers of type I64 or I32, found "
                    + Excerpt.of(shape.type()) + " " + Excerpt.of(Arrays.toString(shape.shape())));
        }
        long[] size = new long[2];
        for (int i = 0; i < 2; i++) {
            size[i] = isLong ? shape.memory().getAtIndex(LONG, i) : shape.memory().getAtIndex(INT, i);
            if (size[i] < 1 || size[i] > Integer.MAX_VALUE) {
                throw new ModelLoadException("tensor " + shape.name() + " must be two sizes, found " + size[i]);
            }
        }
        return size;
    }

    private static int bits(long words, long columns) {
        for (int bits : new int[]{ 2, 4, 8 }) {
            if (words == Math.ceilDiv(columns * bits, 32L)) {
                return bits;
            }
        }
        return 0;
    }

    private static void requireShape(Entry entry, long... shape) {
        if (!entry.type().equals("I32") || !Arrays.equals(entry.shape(), shape)) {
            throw new ModelLoadException("tensor " + entry.name() + " must be of type I32 and shape "
                    + Arrays.toString(shape) + ", found " + Excerpt.of(entry.type()) + " "
                    + Excerpt.of(Arrays.toString(entry.shape())));
        }
    }

    /** Whether columns have the factors that they would have without a list; some files say -1 for that. */
    private static boolean takeTurns(Entry groups, ScaleGrid scales) {
        boolean inOrder = true;
        boolean unsaid = true;
        for (int column = 0; column < groups.shape()[0]; column++) {
            int group = groups.memory().getAtIndex(INT, column);
            inOrder &= group == column / scales.blockColumns();
            unsaid &= group == -1;
            if (group < -1 || group >= scales.width()) {
                throw new ModelLoadException("tensor " + groups.name() + " must name groups from 0 to "
                        + (scales.width() - 1) + ", found " + group);
            }
        }
        return inOrder || unsaid;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String type() {
        return "I" + bits + " in words";
    }

    @Override
    public WeightFormat format() {
        return format;
    }

    @Override
    int columns() {
        return (int) size[1];
    }

    @Override
    public List<String> tensors() {
        return Stream.of(WORDS, "_scale", SHAPE, "_zero_point", GROUPS).map(ending -> name + ending).toList();
    }

    @Override
    public long bytes(TensorPart part) {
        return part.rows() * packed.shape()[1] * Integer.BYTES;
    }

    @Override
    public void requireFits(TensorPart part) {
        requireMatrix(part, size, shape.name());
    }

    private int group(int column) {
        return columnGroups.map(groups -> Math.max(0, groups.memory().getAtIndex(INT, column)))
                .orElse(column / scales.blockColumns());
    }

    @Override
    float factor(long row, int column) {
        return scales.factor(row, group(column));
    }

    @Override
    void numbers(long row, float[] to) {
        for (int column = 0; column < to.length; column++) {
            to[column] = number(packed, row * packed.shape()[1] + (long) column * bits / 32, column);
        }
        zeroPoints.ifPresent(points -> {
            for (int column = 0; column < to.length; column++) {
                to[column] -= number(points, row * bits / 32 * scales.width() + group(column), row);
            }
        });
    }

    /**
     * Returns a number.
     *
     * @param word  which word it is in
     * @param index its number among those that are packed in one row of words after the other
     */
    private int number(Entry words, long word, long index) {
        int shift = (int) (index * bits % 32);
        return (words.memory().getAtIndex(INT, word) >>> shift & (1 << bits) - 1) - (1 << bits - 1);
    }
}
