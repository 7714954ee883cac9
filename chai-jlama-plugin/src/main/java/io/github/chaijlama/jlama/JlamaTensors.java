// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.BFloat16BufferTensor;
import com.github.tjake.jlama.tensor.Float16BufferTensor;
import com.github.tjake.jlama.tensor.FloatBufferTensor;
import com.github.tjake.jlama.tensor.Q4ByteBufferTensor;
import com.github.tjake.jlama.tensor.Q8ByteBufferTensor;
import com.github.tjake.jlama.tensor.TensorShape;

import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightFormat;

/** Weights and rows as tensors of Jlama's, and the other way round, on the same memory. */
final class JlamaTensors {
    private JlamaTensors() {}

    /** Returns whether a tensor of Jlama's can hold a weight: its buffers end at 2 GiB. */
    static boolean fits(Weight weight) {
        return weight.size() <= Integer.MAX_VALUE && weight.data().byteSize() <= Integer.MAX_VALUE;
    }

    /**
     * Returns a weight as a tensor {@code (rows, columns)}.
     *
     * @throws IllegalArgumentException if it does not {@linkplain #fits fit}
     */
    static AbstractTensor<?, ?> of(Weight weight) {
        return of(weight, TensorShape.of(weight.rows(), weight.columns()));
    }

    /** Returns a weight as a tensor of a shape with as many values. */
    static AbstractTensor<?, ?> of(Weight weight, TensorShape tensorShape) {
        if (!fits(weight)) {
            throw new IllegalArgumentException(weight.name() + " has " + weight.size() + " values in "
                    + weight.data().byteSize() + " bytes, Jlama's tensors hold " + Integer.MAX_VALUE + " of both");
        }
        String name = weight.name();
        ByteBuffer bytes = littleEndian(weight.data());
        return switch (weight.format()) {
            case F32 -> new FloatBufferTensor(name, bytes.asFloatBuffer(), tensorShape, false);
            case BF16 -> new BFloat16BufferTensor(name, bytes.asShortBuffer(), tensorShape, false);
            case F16 -> new Float16BufferTensor(name, bytes.asShortBuffer(), tensorShape, false);
            case Q4 -> new Q4ByteBufferTensor(name, bytes, factors(weight, tensorShape), tensorShape, false);
            case I8 -> new Q8ByteBufferTensor(name, bytes, factors(weight, tensorShape), tensorShape, false);
            case F8 -> throw new IllegalArgumentException(name + ": Jlama has no tensors of type " + weight.format());
        };
    }

    private static FloatBufferTensor factors(Weight weight, TensorShape shape) {
        return new FloatBufferTensor(weight.name(), littleEndian(weight.factors()).asFloatBuffer(),
                shape.setDimValue(shape.dims() - 1, weight.columns() / Weight.BLOCK), false);
    }

    private static ByteBuffer littleEndian(MemorySegment memory) {
        return memory.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Returns rows as a tensor {@code (count, columns)}. */
    static FloatBufferTensor of(Rows rows) {
        return new FloatBufferTensor("rows",
                rows.memory().asByteBuffer().order(ByteOrder.nativeOrder()).asFloatBuffer(),
                TensorShape.of(rows.count(), rows.columns()), false);
    }

    /**
     * Returns a tensor as a weight, rows of its last dimension.
     *
     * @throws IllegalArgumentException if nothing here knows its type
     */
    static Weight weight(String name, AbstractTensor<?, ?> tensor) {
        int columns = Math.toIntExact(tensor.shape().last());
        int rows = Math.toIntExact(tensor.size() / columns);
        WeightFormat format = switch (tensor.dType()) {
            case F32 -> WeightFormat.F32;
            case BF16 -> WeightFormat.BF16;
            case F16 -> WeightFormat.F16;
            case I8 -> WeightFormat.I8;
            case Q4 -> WeightFormat.Q4;
            default -> throw new IllegalArgumentException(name + " is a tensor of type " + tensor.dType());
        };
        MemorySegment factors = switch (tensor) {
            case Q4ByteBufferTensor q4 -> q4.getBlockF().getMemorySegment();
            case Q8ByteBufferTensor i8 -> i8.getBlockF().getMemorySegment();
            default -> MemorySegment.NULL;
        };
        return new Weight(name, format, rows, columns, tensor.getMemorySegment(), factors);
    }
}
