// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;

import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.model.StoredQuantization;
import io.github.chaijlama.model.TensorPart;
import io.github.chaijlama.safetensors.SafetensorsFile.Entry;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

/**
 * A matrix of bytes times factors: 8-bit floats, or whole numbers less a zero point where there is one. 8-bit floats
 * with 3 bits of fraction and whole numbers stay where they are mapped.
 */
final class ByteTensor extends ScaledTensor {
    private static final long ONES = 0x0101010101010101L;
    private static final long SIGNS = 0x8080808080808080L;

    private final Entry weight;
    private final Optional<ScaleGrid> zeroPoints;
    private final WeightFormat format;

    private ByteTensor(Entry weight, ScaleGrid scales, Optional<ScaleGrid> zeroPoints) {
        super(scales);
        this.weight = weight;
        this.zeroPoints = zeroPoints;
        boolean inBlocks = scales.sharesBlocks() && columns() % Weight.BLOCK == 0 && zeroPoints.isEmpty();
        this.format = switch (weight.type()) {
            case "I8" -> inBlocks ? WeightFormat.I8 : WeightFormat.F32;
            case "F8_E4M3" -> inBlocks && scales.largest() < Float8.MAX_FACTOR ? WeightFormat.F8 : WeightFormat.F32;
            default -> WeightFormat.F32;
        };
    }

    /**
     * Creates a tensor.
     *
     * @param weight     of type I8, F8_E4M3 or F8_E5M2
     * @param scales     its factors
     * @param zeroPoints what is taken from numbers of type I8, in the shape of the factors; 0 for others
     * @throws ModelLoadException if shapes do not fit each other
     */
    static ByteTensor of(Entry weight, Entry scales, Optional<Entry> zeroPoints, StoredQuantization quantization) {
        long[] shape = weight.shape();
        if (shape.length != 2 || shape[0] < 1 || shape[1] < 1) {
            throw new ModelLoadException("tensor " + weight.name() + " of type " + weight.type()
                    + " must be a matrix to have factors in " + scales.name());
        }
        ScaleGrid grid = ScaleGrid.of(scales, shape[0], shape[1], quantization);
        Optional<Entry> used = zeroPoints.filter(entry -> !isZero(entry));
        if (used.isPresent() && !(weight.type().equals("I8") && used.get().type().equals("I8"))) {
            throw new ModelLoadException("tensor " + used.get().name() + " holds zero points of type "
                    + used.get().type() + ", expected none for values of type " + weight.type());
        }
        return new ByteTensor(weight, grid, used.map(entry -> ScaleGrid.of(entry, shape[0], shape[1], quantization)));
    }

    private static boolean isZero(Entry entry) {
        for (long i = 0; i < entry.memory().byteSize(); i++) {
            if (entry.memory().get(JAVA_BYTE, i) != 0) {
                return false;
            }
        }
        return true;
    }

    @Override
    public String name() {
        return weight.name();
    }

    @Override
    public String type() {
        return weight.type();
    }

    @Override
    public WeightFormat format() {
        return format;
    }

    @Override
    int columns() {
        return (int) weight.shape()[1];
    }

    @Override
    public List<String> tensors() {
        return List.of(weight.name(), scales.scales().name(), weight.name() + "_zero_point");
    }

    @Override
    public long bytes(TensorPart part) {
        return (long) part.rows() * columns();
    }

    @Override
    public void requireFits(TensorPart part) {
        requireMatrix(part, weight.shape(), weight.name());
    }

    @Override
    void numbers(long row, float[] to) {
        for (int i = 0; i < to.length; i++) {
            byte bits = weight.memory().get(JAVA_BYTE, row * to.length + i);
            to[i] = switch (weight.type()) {
                case "I8" -> bits;
                case "F8_E4M3" -> Float8.E4M3.toFloat(bits);
                default -> Float8.E5M2.toFloat(bits);
            };
        }
        zeroPoints.ifPresent(points -> {
            for (int i = 0; i < to.length; i++) {
                to[i] -= points.at(row, i);
            }
        });
    }

    @Override
    boolean isMapped() {
        return format != WeightFormat.F32;
    }

    @Override
    MemorySegment data(TensorPart part, Arena arena) {
        return isMapped()
                ? weight.memory().asSlice(PackedTensor.sourceRow(part, 0) * columns(), (long) part.rows() * columns())
                : super.data(part, arena);
    }

    /** Eight bytes at a time: adding 1 to the lower bits of each carries into its sign if they are all ones. */
    @Override
    boolean isFinite(long row) {
        if (format != WeightFormat.F8) {
            return true;
        }
        long found = 0;
        for (long at = row * columns(); at < (row + 1) * columns(); at += Long.BYTES) {
            long eight = weight.memory().get(ValueLayout.JAVA_LONG_UNALIGNED, at);
            found |= (eight & ~SIGNS) + ONES;
        }
        return (found & SIGNS) == 0;
    }
}
