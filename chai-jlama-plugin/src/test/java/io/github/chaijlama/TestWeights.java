// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Predicate;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * The tensors of a safetensors file, read, changed and written by plain loops that share no code with what they check.
 */
public final class TestWeights {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final Map<String, Tensor> tensors = new LinkedHashMap<>();

    /** A tensor as it is stored. */
    public record Tensor(String type, long[] shape, byte[] bytes) {}

    /** Reads a file. */
    public static TestWeights read(Path file) {
        try {
            ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
            byte[] header = new byte[Math.toIntExact(bytes.getLong())];
            bytes.get(header);
            int data = bytes.position();
            TestWeights weights = new TestWeights();
            for (Map.Entry<String, JsonNode> entry : MAPPER.readTree(header).properties()) {
                if (!entry.getKey().equals("__metadata__")) {
                    JsonNode offsets = entry.getValue().path("data_offsets");
                    weights.put(entry.getKey(), entry.getValue().path("dtype").asText(),
                            MAPPER.convertValue(entry.getValue().path("shape"), long[].class),
                            Arrays.copyOfRange(bytes.array(), data + offsets.path(0).asInt(),
                                    data + offsets.path(1).asInt()));
                }
            }
            return weights;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public Map<String, Tensor> tensors() {
        return tensors;
    }

    public void put(String name, String type, long[] shape, byte[] bytes) {
        tensors.put(name, new Tensor(type, shape, bytes));
    }

    /**
     * Writes a file.
     *
     * @param spaces put after the header; the data begins wherever that leads
     */
    public void write(Path file, int spaces) {
        ObjectNode header = MAPPER.createObjectNode();
        int data = 0;
        for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
            Tensor tensor = entry.getValue();
            ObjectNode node = header.putObject(entry.getKey()).put("dtype", tensor.type());
            node.set("shape", MAPPER.valueToTree(tensor.shape()));
            node.putArray("data_offsets").add(data).add(data + tensor.bytes().length);
            data += tensor.bytes().length;
        }
        byte[] json = (header + " ".repeat(spaces)).getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES + json.length + data).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(json.length).put(json);
        tensors.values().forEach(tensor -> bytes.put(tensor.bytes()));
        try {
            Files.write(file, bytes.array());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns the values of a tensor of any type. */
    public double[] values(String name) {
        Tensor tensor = tensors.get(name);
        ByteBuffer bytes = ByteBuffer.wrap(tensor.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        double[] values = new double[(int) Arrays.stream(tensor.shape()).reduce(1, (a, b) -> a * b)];
        for (int i = 0; i < values.length; i++) {
            values[i] = switch (tensor.type()) {
                case "F32" -> bytes.getFloat(4 * i);
                case "BF16" -> Float.intBitsToFloat(bytes.getShort(2 * i) << 16);
                case "F16" -> half(bytes.getShort(2 * i));
                case "I8" -> bytes.get(i) * values(name + ".qb", i / 32);
                case "Q4" -> ((i % 32 < 16 ? bytes.get(i / 32 * 16 + i % 16) & 15
                        : (bytes.get(i / 32 * 16 + i % 16) & 255) / 16) - 8) * values(name + ".qb", i / 32);
                default -> throw new IllegalArgumentException(tensor.type());
            };
        }
        return values;
    }

    private double values(String name, int index) {
        return ByteBuffer.wrap(tensors.get(name).bytes()).order(ByteOrder.LITTLE_ENDIAN).getFloat(4 * index);
    }

    /** A number of sign, 5 bits of exponent and 10 of mantissa (IEEE 754, binary16). */
    private static double half(short bits) {
        int exponent = bits >> 10 & 31;
        int mantissa = bits & 1023;
        double size = exponent == 0 ? Math.scalb(mantissa, -24) : Math.scalb(1024 + mantissa, exponent - 25);
        return bits < 0 ? -size : size;
    }

    /** Returns these weights as F32; what was quantized as its factors and numbers say. */
    public TestWeights toFloats() {
        TestWeights floats = new TestWeights();
        for (String name : tensors.keySet()) {
            if (!name.endsWith(".qb")) {
                floats.putFloats(name, "F32", tensors.get(name).shape(), values(name));
            }
        }
        return floats;
    }

    /** Returns these weights, those that a condition chooses rounded to F16, BF16 or F32. */
    public TestWeights with(String type, Predicate<String> chosen) {
        TestWeights changed = new TestWeights();
        for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
            Tensor tensor = entry.getValue();
            if (chosen.test(entry.getKey())) {
                changed.putFloats(entry.getKey(), type, tensor.shape(), values(entry.getKey()));
            } else {
                changed.put(entry.getKey(), tensor.type(), tensor.shape(), tensor.bytes());
            }
        }
        return changed;
    }

    private void putFloats(String name, String type, long[] shape, double[] values) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * (type.equals("F32") ? 4 : 2))
                .order(ByteOrder.LITTLE_ENDIAN);
        for (double value : values) {
            switch (type) {
                case "F32" -> bytes.putFloat((float) value);
                case "F16" -> bytes.putShort(Float.floatToFloat16((float) value));
                case "BF16" -> bytes.putShort((short) (Float.floatToRawIntBits((float) value) >>> 16));
                default -> throw new IllegalArgumentException(type);
            }
        }
        put(name, type, shape, bytes.array());
    }
}
