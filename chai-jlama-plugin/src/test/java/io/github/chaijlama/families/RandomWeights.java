// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.families;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * Tensors of random numbers, and the safetensors file of them. A tensor's numbers depend on its name and shape alone:
 * models that share a shape share their weights.
 */
final class RandomWeights {
    private final String prefix;
    private final List<Tensor> tensors = new ArrayList<>();

    private record Tensor(String name, int[] shape, float[] values) {}

    /**
     * Begins with no tensors.
     *
     * @param prefix put before every name in the file; the numbers do not depend on it
     */
    RandomWeights(String prefix) {
        this.prefix = prefix;
    }

    /** Adds uniform values of the given mean and standard deviation. */
    void add(String name, double mean, double deviation, int... shape) {
        SplittableRandom random = new SplittableRandom(name.hashCode());
        double width = deviation * Math.sqrt(12);
        add(name, shape, index -> mean + (random.nextDouble() - 0.5) * width);
    }

    /** Adds the weights of a linear layer, {@code (out, in)}; {@code gain} 1 keeps the size of its values. */
    void matrix(String name, int out, int in, double gain) {
        add(name, 0, gain / Math.sqrt(in), out, in);
    }

    /** Adds a causal mask as GPT-2's files have it: ones up to the diagonal. */
    void mask(String name, int positions) {
        add(name, new int[]{ 1, 1, positions, positions },
                index -> index % positions <= Math.floor(index / positions) ? 1 : 0);
    }

    private void add(String name, int[] shape, DoubleUnaryOperator value) {
        float[] values = new float[Arrays.stream(shape).reduce(1, Math::multiplyExact)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) value.applyAsDouble(i);
        }
        tensors.add(new Tensor(name, shape, values));
    }

    /** Writes all tensors as F32. */
    void write(Path file) throws IOException {
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode header = mapper.createObjectNode();
        int size = 0;
        for (Tensor tensor : tensors) {
            ObjectNode entry = header.putObject(prefix + tensor.name()).put("dtype", "F32");
            entry.set("shape", mapper.valueToTree(tensor.shape()));
            int end = size + tensor.values().length * Float.BYTES;
            entry.putArray("data_offsets").add(size).add(end);
            size = end;
        }
        byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
        int padded = (json.length + 7) / 8 * 8;
        ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES + padded + size).order(ByteOrder.LITTLE_ENDIAN)
                .putLong(padded).put(json);
        while (bytes.position() < Long.BYTES + padded) {
            bytes.put((byte) ' ');
        }
        for (Tensor tensor : tensors) {
            for (float value : tensor.values()) {
                bytes.putFloat(value);
            }
        }
        Files.write(file, bytes.array());
    }
}
