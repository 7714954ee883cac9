// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.families;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.github.chaijlama.cluster.HeadClusters;

import static io.github.chaijlama.families.ScalarMath.add;
import static io.github.chaijlama.families.ScalarMath.softmax;

/**
 * Gemma 4 as plain loops in double, with clusters: what {@link FamilyReference} is for families whose layers are alike.
 * Sizes of heads are those of the tensors. Shares no code with what it checks. Slow; for small models.
 */
final class Gemma4Reference implements LogitsReference {
    private final JsonNode config;
    private final ScalarWeights weights;
    private final int layers;
    private final int hidden;
    private final int heads;
    private final int layerSize;
    private final int firstShared;
    private final Map<String, double[][]> keysOfKind = new HashMap<>();
    private final Map<String, double[][]> valuesOfKind = new HashMap<>();

    Gemma4Reference(Path directory) {
        try {
            JsonNode whole = new ObjectMapper().readTree(Files.readString(directory.resolve("config.json")));
            config = whole.has("text_config") ? whole.path("text_config") : whole;
            weights = new ScalarWeights(directory.resolve("model.safetensors"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        layers = config.path("num_hidden_layers").asInt();
        hidden = config.path("hidden_size").asInt();
        heads = config.path("num_attention_heads").asInt();
        firstShared = layers - config.path("num_kv_shared_layers").asInt();
        layerSize = config.path("hidden_size_per_layer_input").asInt();
    }

    @Override
    public float[] logits(int[] tokens, List<HeadClusters> clusters, int decided) {
        double[][] x = new double[tokens.length][];
        double[][] inputs = new double[tokens.length][];
        for (int t = 0; t < tokens.length; t++) {
            x[t] = scaled(row("model.embed_tokens.weight", tokens[t], hidden), Math.sqrt(hidden));
            inputs[t] = layerSize == 0 ? new double[0] : layerInputs(tokens[t], x[t]);
        }
        for (int layer = 0; layer < layers; layer++) {
            runLayer(layer, x, inputs, clusters == null ? HeadClusters.identity(heads) : clusters.get(layer), decided);
        }
        double[] logits = weights.multiply("model.embed_tokens", norm(x[x.length - 1], "model.norm"));
        double cap = config.path("final_logit_softcapping").asDouble(0);
        float[] result = new float[logits.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = (float) (cap == 0 ? logits[i] : cap * Math.tanh(logits[i] / cap));
        }
        return result;
    }

    private double[] row(String table, int token, int length) {
        return Arrays.copyOfRange(weights.get(table), token * length, (token + 1) * length);
    }

    private static double[] scaled(double[] x, double factor) {
        return Arrays.stream(x).map(value -> value * factor).toArray();
    }

    private double[] layerInputs(int token, double[] x) {
        double[] inputs = scaled(row("model.embed_tokens_per_layer.weight", token, layers * layerSize),
                Math.sqrt(layerSize));
        double[] projected = scaled(weights.multiply("model.per_layer_model_projection", x), 1 / Math.sqrt(hidden));
        add(inputs, 1, norms(projected, "model.per_layer_projection_norm", layerSize));
        return scaled(inputs, 1 / Math.sqrt(2));
    }

    private void runLayer(int layer, double[][] x, double[][] inputs, HeadClusters clusters, int decided) {
        String prefix = "model.layers." + layer + ".";
        double[][] attended = attention(layer, prefix + "self_attn.", prefix, x, clusters, decided);
        for (int t = 0; t < x.length; t++) {
            add(x[t], 1, norm(weights.multiply(prefix + "self_attn.o_proj", attended[t]),
                    prefix + "post_attention_layernorm"));
            double[] change = mlp(prefix + "mlp.", norm(x[t], prefix + "pre_feedforward_layernorm"));
            if (weights.has(prefix + "router.scale")) {
                change = norm(change, prefix + "post_feedforward_layernorm_1");
                add(change, 1, norm(experts(prefix, x[t]), prefix + "post_feedforward_layernorm_2"));
            }
            add(x[t], 1, norm(change, prefix + "post_feedforward_layernorm"));
            if (layerSize > 0) {
                double[] gate = gelu(weights.multiply(prefix + "per_layer_input_gate", x[t]));
                for (int i = 0; i < layerSize; i++) {
                    gate[i] *= inputs[t][layer * layerSize + i];
                }
                add(x[t], 1, norm(weights.multiply(prefix + "per_layer_projection", gate),
                        prefix + "post_per_layer_input_norm"));
            }
            x[t] = scaled(x[t], weights.get(prefix + "layer_scalar")[0]);
        }
    }

    // ---- attention ----

    private double[][] attention(int layer, String attention, String prefix, double[][] x, HeadClusters clusters,
            int decided) {
        int size = weights.get(attention + "q_norm.weight").length;
        double[][] q = new double[x.length][];
        double[][] k = new double[x.length][];
        double[][] v = new double[x.length][];
        for (int t = 0; t < x.length; t++) {
            double[] normed = norm(x[t], prefix + "input_layernorm");
            q[t] = rotate(layer, norms(weights.multiply(attention + "q_proj", normed), attention + "q_norm", size),
                    size, t);
            if (layer >= firstShared) {
                continue;
            }
            double[] key = weights.multiply(attention + "k_proj", normed);
            double[] value = weights.has(attention + "v_proj.weight") ? weights.multiply(attention + "v_proj", normed)
                    : key;
            k[t] = rotate(layer, norms(key, attention + "k_norm", size), size, t);
            v[t] = norms(value, "", size);
        }
        String kind = config.path("layer_types").path(layer).asText();
        if (layer < firstShared) {
            keysOfKind.put(kind, k); // the last one of each kind remains
            valuesOfKind.put(kind, v);
        } else {
            k = keysOfKind.get(kind);
            v = valuesOfKind.get(kind);
        }
        int groupSize = heads / (k[0].length / size);
        double[][] out = new double[x.length][heads * size];
        for (int t = 0; t < x.length; t++) {
            int first = slides(layer) ? Math.max(0, t - config.path("sliding_window").asInt() + 1) : 0;
            for (int h = 0; h < heads; h++) {
                int scorer = t < decided ? h : clusters.representative(clusters.member(h));
                double[] scores = new double[t - first + 1];
                for (int s = first; s <= t; s++) {
                    for (int i = 0; i < size; i++) {
                        scores[s - first] += q[t][scorer * size + i] * k[s][scorer / groupSize * size + i];
                    }
                }
                double[] p = softmax(scores);
                for (int s = first; s <= t; s++) {
                    for (int i = 0; i < size; i++) {
                        out[t][h * size + i] += p[s - first] * v[s][h / groupSize * size + i];
                    }
                }
            }
        }
        return out;
    }

    private boolean slides(int layer) {
        return config.path("layer_types").path(layer).asText().equals("sliding_attention");
    }

    /** Turns the pairs of each head, halves apart; of layers without a window only the first pairs turn. */
    private double[] rotate(int layer, double[] row, int size, int position) {
        JsonNode rope = config.path("rope_parameters").path(config.path("layer_types").path(layer).asText());
        int turning = (int) Math.floor(rope.path("partial_rotary_factor").asDouble(1) * size / 2);
        double[] result = row.clone();
        for (int first = 0; first < row.length; first += size) {
            for (int i = 0; i < turning; i++) {
                double angle = position * Math.pow(rope.path("rope_theta").asDouble(), -2.0 * i / size);
                double a = row[first + i];
                double b = row[first + i + size / 2];
                result[first + i] = a * Math.cos(angle) - b * Math.sin(angle);
                result[first + i + size / 2] = b * Math.cos(angle) + a * Math.sin(angle);
            }
        }
        return result;
    }

    // ---- between ----

    private double[] mlp(String mlp, double[] x) {
        double[] inner = gelu(weights.multiply(mlp + "gate_proj", x));
        double[] up = weights.multiply(mlp + "up_proj", x);
        for (int i = 0; i < inner.length; i++) {
            inner[i] *= up[i];
        }
        return weights.multiply(mlp + "down_proj", inner);
    }

    private double[] experts(String prefix, double[] x) {
        double[] normed = norms(x, "", hidden);
        for (int i = 0; i < hidden; i++) {
            normed[i] *= weights.get(prefix + "router.scale")[i] / Math.sqrt(hidden);
        }
        double[] shares = ScalarMath.mixture(weights.multiply(prefix + "router.proj", normed),
                config.path("top_k_experts").asInt());
        double[] in = norm(x, prefix + "pre_feedforward_layernorm_2");
        double[] sum = new double[hidden];
        int size = config.path("moe_intermediate_size").asInt();
        for (int e = 0; e < shares.length; e++) {
            if (shares[e] > 0) {
                double[] both = slice(prefix + "experts.gate_up_proj", e, 2 * size, in);
                double[] inner = gelu(Arrays.copyOf(both, size));
                for (int i = 0; i < size; i++) {
                    inner[i] *= both[size + i];
                }
                add(sum, shares[e] * weights.get(prefix + "router.per_expert_scale")[e],
                        slice(prefix + "experts.down_proj", e, hidden, inner));
            }
        }
        return sum;
    }

    private double[] slice(String name, int index, int out, double[] x) {
        double[] result = new double[out];
        for (int o = 0; o < out; o++) {
            for (int i = 0; i < x.length; i++) {
                result[o] += x[i] * weights.get(name)[(index * out + o) * x.length + i];
            }
        }
        return result;
    }

    private static double[] gelu(double[] x) {
        return Arrays.stream(x)
                .map(v -> 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v * v * v)))).toArray();
    }

    private double[] norm(double[] x, String name) {
        return norms(x, name, x.length);
    }

    /** Norms stretches of a row, by weights of a name or, where it is empty, without. */
    private double[] norms(double[] row, String name, int length) {
        double[] result = new double[row.length];
        for (int first = 0; first < row.length; first += length) {
            double square = 0;
            for (int i = 0; i < length; i++) {
                square += row[first + i] * row[first + i] / length;
            }
            for (int i = 0; i < length; i++) {
                double weight = name.isEmpty() ? 1 : weights.get(name + ".weight")[i];
                result[first + i] = row[first + i] / Math.sqrt(square + config.path("rms_norm_eps").asDouble())
                        * weight;
            }
        }
        return result;
    }
}
