// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.families;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** The tensors of a safetensors file in double, and the linear layers they make, as plain loops. */
final class ScalarWeights {
    private static final String GPT2_PREFIX = "transformer.";

    private final Map<String, double[]> tensors = new HashMap<>();

    /** Reads F32 and BF16; GPT-2's prefix is left out of the names. */
    ScalarWeights(Path path) throws IOException {
        ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
        byte[] header = new byte[(int) file.getLong()];
        file.get(header);
        ByteBuffer data = file.slice().order(ByteOrder.LITTLE_ENDIAN);
        ObjectNode entries = (ObjectNode) new ObjectMapper().readTree(header);
        entries.remove("__metadata__");
        entries.properties().forEach(entry -> {
            String name = entry.getKey();
            tensors.put(name.startsWith(GPT2_PREFIX) ? name.substring(GPT2_PREFIX.length()) : name,
                    read(entry.getValue(), data));
        });
    }

    private static double[] read(JsonNode entry, ByteBuffer data) {
        String type = entry.path("dtype").asText();
        if (!type.equals("F32") && !type.equals("BF16")) {
            throw new IllegalArgumentException("tensor of " + type);
        }
        int bytes = type.equals("F32") ? 4 : 2;
        int start = entry.path("data_offsets").path(0).asInt();
        double[] values = new double[(entry.path("data_offsets").path(1).asInt() - start) / bytes];
        for (int i = 0; i < values.length; i++) {
            values[i] = bytes == 4 ? data.getFloat(start + 4 * i)
                    : Float.intBitsToFloat(data.getShort(start + 2 * i) << 16);
        }
        return values;
    }

    /** Returns the names of all tensors. */
    Set<String> names() {
        return Set.copyOf(tensors.keySet());
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

    /** Returns a row's product with weights {@code (out, in)}. */
    double[] multiply(String name, double[] x) {
        double[] matrix = get(name + ".weight");
        double[] result = new double[matrix.length / x.length];
        for (int row = 0; row < result.length; row++) {
            double sum = 0;
            for (int i = 0; i < x.length; i++) {
                sum += matrix[row * x.length + i] * x[i];
            }
            result[row] = sum;
        }
        return result;
    }

    /** Returns a row's product with weights {@code (out, in)}, plus the bias if there is one. */
    double[] linear(String name, double[] x, boolean bias) {
        double[] result = multiply(name, x);
        if (bias) {
            for (int i = 0; i < result.length; i++) {
                result[i] += get(name + ".bias")[i];
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
