// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.github.chaijlama.cluster.HeadClusters;

/**
 * A Llama as plain loops in double, written for the tests from the description of the architecture and of CHAI: it
 * shares no code with what it checks. Slow; for small models.
 */
public final class ScalarLlama {
    private final JsonNode config;
    private final Map<String, double[]> weights = new HashMap<>();
    private final int layers;
    private final int hidden;
    private final int heads;
    private final int kvHeads;
    private final int headSize;
    private final int intermediate;
    private final double epsilon;

    public ScalarLlama(Path directory) {
        try {
            ObjectMapper mapper = new ObjectMapper();
            config = mapper.readTree(Files.readString(directory.resolve("config.json")));
            ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(directory.resolve("model.safetensors")))
                    .order(ByteOrder.LITTLE_ENDIAN);
            byte[] header = new byte[(int) file.getLong()];
            file.get(header);
            int data = file.position();
            ObjectNode tensors = (ObjectNode) mapper.readTree(header);
            tensors.remove("__metadata__");
            tensors.properties().forEach(entry -> {
                JsonNode offsets = entry.getValue().path("data_offsets");
                boolean single = entry.getValue().path("dtype").asText().equals("F32");
                int start = data + offsets.get(0).asInt();
                double[] values = new double[(offsets.get(1).asInt() - offsets.get(0).asInt()) / (single ? 4 : 2)];
                for (int i = 0; i < values.length; i++) {
                    values[i] = single ? file.getFloat(start + 4 * i)
                            : Float.intBitsToFloat(file.getShort(start + 2 * i) << 16);
                }
                weights.put(entry.getKey(), values);
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        layers = config.path("num_hidden_layers").asInt();
        hidden = config.path("hidden_size").asInt();
        heads = config.path("num_attention_heads").asInt();
        kvHeads = config.path("num_key_value_heads").asInt(heads);
        headSize = config.path("head_dim").asInt(hidden / heads);
        intermediate = config.path("intermediate_size").asInt();
        epsilon = config.path("rms_norm_eps").asDouble();
    }

    /**
     * Returns the logits of the last token.
     *
     * @param clusters static clusters of each layer, null for exact attention
     */
    public float[] logits(int[] tokens, List<HeadClusters> clusters) {
        double[] embedding = weights.get("model.embed_tokens.weight");
        double[][] x = new double[tokens.length][hidden];
        for (int t = 0; t < tokens.length; t++) {
            System.arraycopy(embedding, tokens[t] * hidden, x[t], 0, hidden);
        }
        for (int layer = 0; layer < layers; layer++) {
            String prefix = "model.layers." + layer + ".";
            double[][] attended = attention(prefix, x, clusters == null ? null : clusters.get(layer));
            for (int t = 0; t < tokens.length; t++) {
                add(x[t], multiply(weights.get(prefix + "self_attn.o_proj.weight"), attended[t]));
                add(x[t], feedForward(prefix, norm(x[t], prefix + "post_attention_layernorm.weight")));
            }
        }
        double[] output = weights.containsKey("lm_head.weight") ? weights.get("lm_head.weight") : embedding;
        double[] logits = multiply(output, norm(x[tokens.length - 1], "model.norm.weight"));
        float[] result = new float[logits.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = (float) logits[i];
        }
        return result;
    }

    /**
     * Returns for every layer how much the output of attention changes if one head takes the probabilities of another,
     * as the squared length of the change of the hidden state, summed over positions:
     * {@code (layer, head * heads + other)}.
     */
    public double[][] outputDistances(int[] tokens) {
        double[][] distances = new double[layers][heads * heads];
        double[] embedding = weights.get("model.embed_tokens.weight");
        double[][] x = new double[tokens.length][hidden];
        for (int t = 0; t < tokens.length; t++) {
            System.arraycopy(embedding, tokens[t] * hidden, x[t], 0, hidden);
        }
        for (int layer = 0; layer < layers; layer++) {
            String prefix = "model.layers." + layer + ".";
            double[] output = weights.get(prefix + "self_attn.o_proj.weight");
            double[][] exact = attention(prefix, x, null);
            for (int head = 0; head < heads; head++) {
                for (int other = 0; other < heads; other++) {
                    if (other != head) {
                        double[][] changed = attention(prefix, x, replacement(head, other));
                        for (int t = 0; t < tokens.length; t++) {
                            double[] a = multiply(output, exact[t]);
                            double[] b = multiply(output, changed[t]);
                            for (int i = 0; i < hidden; i++) {
                                distances[layer][head * heads + other] += (a[i] - b[i]) * (a[i] - b[i]);
                            }
                        }
                    }
                }
            }
            for (int t = 0; t < tokens.length; t++) {
                add(x[t], multiply(output, exact[t]));
                add(x[t], feedForward(prefix, norm(x[t], prefix + "post_attention_layernorm.weight")));
            }
        }
        return distances;
    }

    /** One head in the cluster of another, which represents it; all others alone. */
    private HeadClusters replacement(int head, int other) {
        int[] representatives = new int[heads - 1];
        int[] members = new int[heads];
        int next = 0;
        for (int each = 0; each < heads; each++) {
            if (each != head) {
                representatives[next] = each;
                members[each] = next++;
            }
        }
        members[head] = members[other];
        return HeadClusters.of(members, representatives);
    }

    private double[][] attention(String prefix, double[][] x, HeadClusters clusters) {
        int length = x.length;
        double[][] q = new double[length][];
        double[][] k = new double[length][];
        double[][] v = new double[length][];
        for (int t = 0; t < length; t++) {
            double[] normed = norm(x[t], prefix + "input_layernorm.weight");
            q[t] = rotate(multiply(weights.get(prefix + "self_attn.q_proj.weight"), normed), t);
            k[t] = rotate(multiply(weights.get(prefix + "self_attn.k_proj.weight"), normed), t);
            v[t] = multiply(weights.get(prefix + "self_attn.v_proj.weight"), normed);
        }
        double[][] out = new double[length][heads * headSize];
        for (int t = 0; t < length; t++) {
            for (int h = 0; h < heads; h++) {
                int r = clusters == null ? h : clusters.representative(clusters.member(h));
                double[] p = new double[t + 1];
                double sum = 0;
                for (int s = 0; s <= t; s++) {
                    double dot = 0;
                    for (int i = 0; i < headSize; i++) {
                        dot += q[t][r * headSize + i] * k[s][group(r) * headSize + i];
                    }
                    p[s] = Math.exp(dot / Math.sqrt(headSize));
                    sum += p[s];
                }
                for (int s = 0; s <= t; s++) {
                    for (int i = 0; i < headSize; i++) {
                        out[t][h * headSize + i] += p[s] / sum * v[s][group(h) * headSize + i];
                    }
                }
            }
        }
        return out;
    }

    private int group(int head) {
        return head * kvHeads / heads;
    }

    private double[] rotate(double[] rows, int position) {
        double theta = config.path("rope_theta").asDouble(10000);
        double[] result = rows.clone();
        for (int start = 0; start < rows.length; start += headSize) {
            for (int i = 0; i < headSize / 2; i++) {
                double angle = position / Math.pow(theta, 2.0 * i / headSize);
                double a = rows[start + i];
                double b = rows[start + headSize / 2 + i];
                result[start + i] = a * Math.cos(angle) - b * Math.sin(angle);
                result[start + headSize / 2 + i] = a * Math.sin(angle) + b * Math.cos(angle);
            }
        }
        return result;
    }

    private double[] feedForward(String prefix, double[] x) {
        double[] gate = multiply(weights.get(prefix + "mlp.gate_proj.weight"), x);
        double[] up = multiply(weights.get(prefix + "mlp.up_proj.weight"), x);
        for (int i = 0; i < intermediate; i++) {
            gate[i] = gate[i] / (1 + Math.exp(-gate[i])) * up[i];
        }
        return multiply(weights.get(prefix + "mlp.down_proj.weight"), gate);
    }

    private double[] norm(double[] x, String name) {
        double sum = 0;
        for (double value : x) {
            sum += value * value;
        }
        double factor = 1 / Math.sqrt(sum / x.length + epsilon);
        double[] result = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            result[i] = x[i] * factor * weights.get(name)[i];
        }
        return result;
    }

    private static double[] multiply(double[] matrix, double[] x) {
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

    private static void add(double[] x, double[] y) {
        for (int i = 0; i < x.length; i++) {
            x[i] += y[i];
        }
    }
}
