// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.families;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** The tensors of a safetensors file in double, and the linear layers they make, as plain loops. */
final class ScalarWeights {
    private static final List<String> PREFIXES = List.of("transformer.", "language_model.");

    private final Map<String, double[]> tensors = new HashMap<>();

    /** Reads F32, BF16 and bytes; prefixes that only some files have are left out of the names. */
    ScalarWeights(Path path) throws IOException {
        ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
        byte[] header = new byte[(int) file.getLong()];
        file.get(header);
        ByteBuffer data = file.slice().order(ByteOrder.LITTLE_ENDIAN);
        ObjectNode entries = (ObjectNode) new ObjectMapper().readTree(header);
        entries.remove("__metadata__");
        entries.properties().forEach(entry -> {
            String name = entry.getKey().replace("model.language_model.", "model.");
            for (String prefix : PREFIXES) {
                name = name.startsWith(prefix) ? name.substring(prefix.length()) : name;
            }
            tensors.put(name, read(entry.getValue(), data));
        });
    }

    private static double[] read(JsonNode entry, ByteBuffer data) {
        String type = entry.path("dtype").asText();
        int bytes = switch (type) {
            case "F32" -> 4;
            case "BF16" -> 2;
            case "U8" -> 1;
            default -> throw new IllegalArgumentException("tensor of " + type);
        };
        int start = entry.path("data_offsets").path(0).asInt();
        double[] values = new double[(entry.path("data_offsets").path(1).asInt() - start) / bytes];
        for (int i = 0; i < values.length; i++) {
            values[i] = switch (bytes) {
                case 4 -> data.getFloat(start + 4 * i);
                case 2 -> Float.intBitsToFloat(data.getShort(start + 2 * i) << 16);
                default -> data.get(start + i) & 255;
            };
        }
        return values;
    }

    /** Returns the names of all tensors. */
    Set<String> names() {
        return Set.copyOf(tensors.keySet());
    }

    boolean has(String name) {
        return tensors.containsKey(name);
    }

    /** Returns the values of a tensor, the array itself: tests may change it. */
    double[] get(String name) {
        double[] values = tensors.get(name);
        if (values == null) {
            throw new IllegalArgumentException("no tensor " + name);
        }
        return values;
    }

    /** Replaces a tensor. */
    void put(String name, double[] values) {
        tensors.put(name, values.clone());
    }

    /**
     * Returns a row's product with weights {@code (out, in)}. Four sums are added up side by side, each in its order:
     * one alone would wait for every addition.
     */
    double[] multiply(String name, double[] x) {
        double[] matrix = get(name + ".weight");
        int length = x.length;
        double[] result = new double[matrix.length / length];
        int row = 0;
        for (; row + 4 <= result.length; row += 4) {
            int at = row * length;
            double a = 0;
            double b = 0;
            double c = 0;
            double d = 0;
            for (int i = 0; i < length; i++) {
                a += matrix[at + i] * x[i];
                b += matrix[at + length + i] * x[i];
                c += matrix[at + 2 * length + i] * x[i];
                d += matrix[at + 3 * length + i] * x[i];
            }
            result[row] = a;
            result[row + 1] = b;
            result[row + 2] = c;
            result[row + 3] = d;
        }
        for (; row < result.length; row++) {
            for (int i = 0; i < length; i++) {
                result[row] += matrix[row * length + i] * x[i];
            }
        }
        return result;
    }

    /** Returns a row's product with weights {@code (out, in)}, plus the bias if there is one. */
    double[] linear(String name, double[] x, boolean bias) {
        double[] result = multiply(name, x);
        if (bias) {
            double[] added = get(name + ".bias");
            for (int i = 0; i < result.length; i++) {
                result[i] += added[i];
            }
        }
        return result;
    }

    /** Returns a row's product with weights {@code (in, out)}, as GPT-2 has them, plus the bias. */
    double[] conv1d(String name, double[] x) {
        double[] matrix = get(name + ".weight");
        double[] result = get(name + ".bias").clone();
        for (int i = 0; i < x.length; i++) {
            for (int column = 0; column < result.length; column++) {
                result[column] += x[i] * matrix[i * result.length + column];
            }
        }
        return result;
    }
}
