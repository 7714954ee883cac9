// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.BFloat16BufferTensor;
import com.github.tjake.jlama.tensor.Float16BufferTensor;
import com.github.tjake.jlama.tensor.FloatBufferTensor;
import com.github.tjake.jlama.tensor.Q4ByteBufferTensor;
import com.github.tjake.jlama.tensor.Q8ByteBufferTensor;
import com.github.tjake.jlama.tensor.TensorShape;

/**
 * A weight in memory, mapped from its file or converted.
 *
 * <p>The quantized types are Jlama's: a row is cut into blocks of {@value #BLOCK} values, each with a 32-bit factor.
 * {@code I8} has a signed byte per value. {@code Q4} has 16 bytes per block; byte {@code i} holds value {@code i} in
 * its lower and value {@code i + 16} in its upper half, both plus 8. A value is its number times the factor.
 *
 * @param type    its type, one of F32, BF16, F16, I8 and Q4
 * @param shape   sizes of its dimensions, the slowest first; at least one, at most 2^31 - 1 values together
 * @param data    its bytes, little endian
 * @param factors block factors of a quantized type, little endian, in the order of the blocks; null for other types
 */
record StoredWeight(String name, DType type, long[] shape, MemorySegment data, MemorySegment factors) {
    static final int BLOCK = 32;

    /** Returns the number of its values. */
    long size() {
        return (long) rows() * columns();
    }

    /** Returns the product of all dimensions but the last. */
    int rows() {
        return (int) Arrays.stream(shape, 0, Math.max(0, shape.length - 1)).reduce(1, (a, b) -> a * b);
    }

    /** Returns the values of a row. */
    int columns() {
        return shape.length == 0 ? 1 : (int) shape[shape.length - 1];
    }

    /** Returns the bytes it takes, with its block factors. */
    long bytes() {
        return data.byteSize() + (factors == null ? 0 : factors.byteSize());
    }

    /** Returns whether it is a single row: the weights of a norm, a bias. */
    boolean isVector() {
        return rows() == 1;
    }

    /** Returns a tensor over this memory. */
    AbstractTensor<?, ?> tensor() {
        TensorShape tensorShape = TensorShape.of(Arrays.stream(shape).mapToInt(Math::toIntExact).toArray());
        ByteBuffer bytes = data.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        return switch (type) {
            case F32 -> new FloatBufferTensor(name, bytes.asFloatBuffer(), tensorShape, false);
            case BF16 -> new BFloat16BufferTensor(name, bytes.asShortBuffer(), tensorShape, false);
            case F16 -> new Float16BufferTensor(name, bytes.asShortBuffer(), tensorShape, false);
            case Q4 -> new Q4ByteBufferTensor(name, bytes, factorTensor(tensorShape), tensorShape, false);
            case I8 -> new Q8ByteBufferTensor(name, bytes, factorTensor(tensorShape), tensorShape, false);
            default -> throw new IllegalStateException(name + " of type " + type);
        };
    }

    private FloatBufferTensor factorTensor(TensorShape tensorShape) {
        return new FloatBufferTensor(name, factors.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer(),
                tensorShape.setDimValue(tensorShape.dims() - 1, columns() / BLOCK), false);
    }
}
