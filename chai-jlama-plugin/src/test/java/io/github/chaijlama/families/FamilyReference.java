// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.families;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.github.chaijlama.cluster.HeadClusters;

import static io.github.chaijlama.families.ScalarMath.add;
import static io.github.chaijlama.families.ScalarMath.softmax;

/**
 * The families of {@link GoldenFamilyTests} as plain loops in double, with clusters, which no other implementation has.
 * What a family does follows from the tensors in its file as far as it can: a bias is added where there is one, a norm
 * applied where there is one. Shares no code with what it checks. Slow; for small models.
 */
final class FamilyReference implements LogitsReference {
    private final JsonNode config;
    private final ScalarWeights weights;
    private final String type;
    private final int layers;
    private final int hidden;
    private final int heads;
    private final int kvHeads;
    private final int headSize;
    private final boolean opt;
    private final boolean behind;
    private final boolean ofSum;

    FamilyReference(Path directory) {
        try {
            JsonNode whole = new ObjectMapper().readTree(Files.readString(directory.resolve("config.json")));
            config = whole.has("text_config") ? whole.path("text_config") : whole;
            weights = new ScalarWeights(directory.resolve("model.safetensors"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        type = config.path("model_type").asText();
        opt = type.equals("opt");
        layers = config.path("num_hidden_layers").asInt();
        hidden = config.path("hidden_size").asInt();
        heads = config.path("num_attention_heads").asInt();
        kvHeads = config.path("num_key_value_heads").asInt(heads);
        headSize = config.path("head_dim").asInt(hidden / heads);
        ofSum = opt && !config.path("do_layer_norm_before").asBoolean(true);
        behind = !opt && weights.has("model.layers.0.post_feedforward_layernorm.weight");
    }

    @Override
    public float[] logits(int[] tokens, List<HeadClusters> clusters, int decided) {
        double[][] x = embed(tokens);
        for (int layer = 0; layer < layers; layer++) {
            runLayer(layer, x, clusters == null ? null : clusters.get(layer), decided);
        }
        double[] normed = norm(x[x.length - 1], opt ? "model.decoder.final_layer_norm" : "model.norm");
        if (weights.has("model.decoder.project_out.weight")) {
            normed = weights.multiply("model.decoder.project_out", normed);
        }
        double[] logits = weights.multiply(weights.has("lm_head.weight") ? "lm_head" : table(), normed);
        float[] result = new float[logits.length];
        for (int i = 0; i < result.length; i++) {
            double logit = logits[i] / config.path("logits_scaling").asDouble(1);
            double cap = config.path("final_logit_softcapping").asDouble(0);
            result[i] = (float) (cap == 0 ? logit : cap * Math.tanh(logit / cap));
        }
        return result;
    }

    private String table() {
        return opt ? "model.decoder.embed_tokens" : "model.embed_tokens";
    }

    private double[][] embed(int[] tokens) {
        double factor = type.startsWith("gemma") ? Math.sqrt(hidden) : config.path("embedding_multiplier").asDouble(1);
        int width = config.path("word_embed_proj_dim").asInt(hidden);
        double[][] x = new double[tokens.length][];
        for (int t = 0; t < tokens.length; t++) {
            x[t] = Arrays.copyOfRange(weights.get(table() + ".weight"), tokens[t] * width, (tokens[t] + 1) * width);
            if (width != hidden) {
                x[t] = weights.multiply("model.decoder.project_in", x[t]);
            }
            for (int i = 0; i < hidden; i++) {
                x[t][i] *= factor;
                x[t][i] += opt ? weights.get("model.decoder.embed_positions.weight")[(t + 2) * hidden + i] : 0;
            }
        }
        return x;
    }

    private void runLayer(int layer, double[][] x, HeadClusters clusters, int decided) {
        String prefix = (opt ? "model.decoder.layers." : "model.layers.") + layer + ".";
        double residual = config.path("residual_multiplier").asDouble(1);
        double[][] attended = attention(layer, prefix, x, clusters, decided);
        for (int t = 0; t < x.length; t++) {
            double[] change = linear(prefix + (opt ? "self_attn.out_proj" : "self_attn.o_proj"), attended[t]);
            add(x[t], residual, behind ? norm(change, prefix + "post_attention_layernorm") : change);
            x[t] = ofSum ? norm(x[t], prefix + "self_attn_layer_norm") : x[t];
            String before = opt ? "final_layer_norm"
                    : behind ? "pre_feedforward_layernorm" : "post_attention_layernorm";
            change = feedForward(prefix, ofSum ? x[t] : norm(x[t], prefix + before));
            add(x[t], residual, behind ? norm(change, prefix + "post_feedforward_layernorm") : change);
            x[t] = ofSum ? norm(x[t], prefix + "final_layer_norm") : x[t];
        }
    }

    // ---- attention ----

    private double[][] attention(int layer, String prefix, double[][] x, HeadClusters clusters, int decided) {
        String attention = prefix + "self_attn.";
        double[][] q = new double[x.length][];
        double[][] k = new double[x.length][];
        double[][] v = new double[x.length][];
        double[] frequencies = frequencies(layer, x.length);
        for (int t = 0; t < x.length; t++) {
            double[] normed = ofSum ? x[t] : norm(x[t], prefix + (opt ? "self_attn_layer_norm" : "input_layernorm"));
            if (weights.has(attention + "qkv_proj.weight")) {
                double[] all = linear(attention + "qkv_proj", normed);
                q[t] = Arrays.copyOf(all, heads * headSize);
                k[t] = Arrays.copyOfRange(all, heads * headSize, (heads + kvHeads) * headSize);
                v[t] = Arrays.copyOfRange(all, (heads + kvHeads) * headSize, all.length);
            } else {
                q[t] = linear(attention + "q_proj", normed);
                k[t] = linear(attention + "k_proj", normed);
                v[t] = linear(attention + "v_proj", normed);
            }
            q[t] = rotate(headNorms(q[t], attention + "q_norm"), frequencies, t);
            k[t] = rotate(headNorms(k[t], attention + "k_norm"), frequencies, t);
            JsonNode rope = config.path("rope_parameters");
            double gain = 1 + rope.path("llama_4_scaling_beta").asDouble(0)
                    * Math.log(1 + Math.floor(t / rope.path("original_max_position_embeddings").asDouble(1e9)));
            for (int i = 0; i < q[t].length; i++) {
                q[t][i] *= gain;
            }
        }
        double[][] out = new double[x.length][heads * headSize];
        for (int t = 0; t < x.length; t++) {
            int first = Math.max(0, t - window(layer) + 1);
            for (int h = 0; h < heads; h++) {
                int scorer = clusters == null || t < decided ? h : clusters.representative(clusters.member(h));
                double[] p = probabilities(attention, q[t], k, scorer, first, t);
                for (int s = first; s <= t; s++) {
                    for (int i = 0; i < headSize; i++) {
                        out[t][h * headSize + i] += p[s - first] * v[s][kvHead(h) * headSize + i];
                    }
                }
            }
        }
        return out;
    }

    /** Returns how the positions from first to last share one head's attention; a sink takes a part of it away. */
    private double[] probabilities(String prefix, double[] q, double[][] k, int head, int first, int last) {
        double scale = config.has("attention_multiplier") ? config.path("attention_multiplier").asDouble()
                : 1 / Math.sqrt(config.path("query_pre_attn_scalar").asDouble(headSize));
        boolean sink = weights.has(prefix + "sinks");
        double[] scores = new double[last - first + (sink ? 2 : 1)];
        for (int s = first; s <= last; s++) {
            for (int i = 0; i < headSize; i++) {
                scores[s - first] += q[head * headSize + i] * k[s][kvHead(head) * headSize + i] * scale;
            }
        }
        if (sink) {
            scores[scores.length - 1] = weights.get(prefix + "sinks")[head];
        }
        return softmax(scores);
    }

    private int kvHead(int head) {
        return head / (heads / kvHeads);
    }

    private int window(int layer) {
        boolean slides = config.has("sliding_window_pattern")
                ? (layer + 1) % config.path("sliding_window_pattern").asInt() > 0
                : config.path("layer_types").path(layer).asText("").equals("sliding_attention");
        return slides ? config.path("sliding_window").asInt() : Integer.MAX_VALUE;
    }

    // ---- positions ----

    /** Returns what each pair turns from one position to the next, nothing if the layer knows no positions. */
    private double[] frequencies(int layer, int length) {
        if (opt || config.path("no_rope_layers").path(layer).asInt(1) == 0) {
            return new double[0];
        }
        JsonNode rope = rope(layer);
        int pairs = (int) (headSize * rope.path("partial_rotary_factor").asDouble(1)) / 2;
        boolean local = config.has("rope_local_base_freq") && window(layer) < Integer.MAX_VALUE;
        double theta = local ? config.path("rope_local_base_freq").asDouble()
                : rope.path("rope_theta").asDouble(config.path("rope_theta").asDouble());
        double[] frequencies = new double[pairs];
        for (int i = 0; i < pairs; i++) {
            frequencies[i] = Math.pow(theta, -2.0 * i / (2 * pairs));
            switch (local ? "default" : rope.path("rope_type").asText()) {
                case "default" -> {
                }
                case "linear" -> frequencies[i] /= rope.path("factor").asDouble();
                case "longrope" -> frequencies[i] /= rope.path(original(rope) < length ? "long_factor" : "short_factor")
                        .path(i).asDouble();
                case "yarn" -> {
                    double low = turns(rope, rope.path("beta_fast").asDouble(), theta);
                    double high = turns(rope, rope.path("beta_slow").asDouble(), theta);
                    if (rope.path("truncate").asBoolean(true)) {
                        low = Math.floor(low);
                        high = Math.ceil(high);
                    }
                    low = Math.max(low, 0);
                    high = Math.min(high, headSize - 1);
                    double ramp = Math.max(0, Math.min(1, (i - low) / (high == low ? 0.001 : high - low)));
                    frequencies[i] *= 1 - ramp + ramp / rope.path("factor").asDouble();
                }
                default -> throw new IllegalArgumentException(rope.toString());
            }
        }
        return frequencies;
    }

    private JsonNode rope(int layer) {
        JsonNode rope = config.path(config.has("rope_scaling") ? "rope_scaling" : "rope_parameters");
        String layerType = config.path("layer_types").path(layer).asText("");
        return rope.has(layerType) ? rope.path(layerType) : rope;
    }

    private static double original(JsonNode rope) {
        return rope.path("original_max_position_embeddings").asDouble();
    }

    private double turns(JsonNode rope, double times, double theta) {
        return headSize * Math.log(original(rope) / (times * 2 * Math.PI)) / (2 * Math.log(theta));
    }

    private double amplitude() {
        JsonNode rope = config.path("rope_parameters");
        double factor = rope.path("factor")
                .asDouble(config.path("max_position_embeddings").asDouble() / Math.max(1, original(rope)));
        return switch (rope.path("rope_type").asText("")) {
            case "longrope" -> Math.sqrt(1 + Math.log(factor) / Math.log(original(rope)));
            case "yarn" -> rope.has("mscale") ? 1 : 0.1 * Math.log(factor) + 1; // mscale and mscale_all_dim are 1
            default -> 1;
        };
    }

    private double[] rotate(double[] row, double[] frequencies, int position) {
        double[] result = row.clone();
        int pairs = frequencies.length;
        for (int first = 0; first < row.length; first += headSize) {
            for (int i = 0; i < pairs; i++) {
                double cos = amplitude() * Math.cos(position * frequencies[i]);
                double sin = amplitude() * Math.sin(position * frequencies[i]);
                result[first + i] = row[first + i] * cos - row[first + i + pairs] * sin;
                result[first + i + pairs] = row[first + i + pairs] * cos + row[first + i] * sin;
            }
        }
        return result;
    }

    // ---- between ----

    private double[] feedForward(String prefix, double[] x) {
        if (opt) {
            double[] inner = linear(prefix + "fc1", x);
            for (int i = 0; i < inner.length; i++) {
                inner[i] = Math.max(0, inner[i]);
            }
            return linear(prefix + "fc2", inner);
        }
        if (weights.has(prefix + "mlp.gate_up_proj.weight")) {
            double[] both = linear(prefix + "mlp.gate_up_proj", x);
            return linear(prefix + "mlp.down_proj", gated(Arrays.copyOf(both, both.length / 2),
                    Arrays.copyOfRange(both, both.length / 2, both.length)));
        }
        if (weights.has(prefix + "mlp.gate_proj.weight")) {
            return linear(prefix + "mlp.down_proj",
                    gated(linear(prefix + "mlp.gate_proj", x), linear(prefix + "mlp.up_proj", x)));
        }
        return experts(prefix, x);
    }

    private double[] experts(String prefix, double[] x) {
        String router = type.equals("gpt_oss") ? "mlp.router"
                : type.equals("granitemoe") ? "block_sparse_moe.router.layer" : "mlp.gate";
        double[] scores = linear(prefix + router, x);
        double[] shares = config.path("norm_topk_prob").asBoolean(true)
                ? ScalarMath.mixture(scores, config.path("num_experts_per_tok").asInt())
                : unnormalized(scores, config.path("num_experts_per_tok").asInt());
        double[] sum = new double[hidden];
        for (int e = 0; e < shares.length; e++) {
            if (shares[e] > 0) {
                add(sum, shares[e], expert(prefix, e, x));
            }
        }
        return sum;
    }

    private static double[] unnormalized(double[] scores, int count) {
        double[] all = softmax(scores);
        double[] sorted = all.clone();
        Arrays.sort(sorted);
        for (int e = 0; e < all.length; e++) {
            all[e] = all[e] >= sorted[all.length - count] ? all[e] : 0;
        }
        return all;
    }

    private double[] expert(String prefix, int expert, double[] x) {
        switch (type) {
            case "granitemoe" -> {
                String moe = prefix + "block_sparse_moe.";
                int size = 2 * config.path("intermediate_size").asInt();
                double[] both = slice(moe + "input_linear.weight", expert, size, hidden, false, x);
                return slice(moe + "output_linear.weight", expert, hidden, size / 2, false,
                        gated(Arrays.copyOf(both, size / 2), Arrays.copyOfRange(both, size / 2, size)));
            }
            case "gpt_oss" -> {
                String moe = prefix + "mlp.experts.";
                int size = config.path("intermediate_size").asInt();
                double[] both = slice(moe + "gate_up_proj", expert, 2 * size, hidden, true, x);
                double[] inner = new double[size];
                for (int i = 0; i < size; i++) {
                    double[] bias = weights.get(moe + "gate_up_proj_bias");
                    double gate = Math.min(7, both[2 * i] + bias[expert * 2 * size + 2 * i]);
                    double up = both[2 * i + 1] + bias[expert * 2 * size + 2 * i + 1];
                    inner[i] = (Math.max(-7, Math.min(7, up)) + 1) * gate / (1 + Math.exp(-1.702 * gate));
                }
                double[] result = slice(moe + "down_proj", expert, hidden, size, true, inner);
                double[] bias = weights.get(moe + "down_proj_bias");
                add(result, 1, Arrays.copyOfRange(bias, expert * hidden, (expert + 1) * hidden));
                return result;
            }
            default -> {
                String moe = prefix + "mlp.experts." + expert + ".";
                return linear(moe + "down_proj", gated(linear(moe + "gate_proj", x), linear(moe + "up_proj", x)));
            }
        }
    }

    /** Returns a row's product with one of several matrices of a tensor, stored {@code (out, in)} or the other way. */
    private double[] slice(String name, int index, int out, int in, boolean transposed, double[] x) {
        double[] result = new double[out];
        for (int o = 0; o < out; o++) {
            for (int i = 0; i < in; i++) {
                result[o] += x[i] * (weights.has(name) ? weights.get(name)[index * in * out
                        + (transposed ? i * out + o : o * in + i)] : packed(name, (index * out + o) * in + i));
            }
        }
        return result;
    }

    /** Returns a value of MXFP4: a sign, two bits of exponent, one of mantissa, and a power of two for 32 of them. */
    private double packed(String name, int at) {
        int pair = (int) weights.get(name + "_blocks")[at / 2];
        int bits = at % 2 == 0 ? pair % 16 : pair / 16;
        int exponent = bits / 2 % 4;
        double size = exponent == 0 ? bits % 2 * 0.5 : Math.pow(2, exponent - 1) * (1 + bits % 2 * 0.5);
        return (bits < 8 ? size : -size) * Math.pow(2, weights.get(name + "_scales")[at / 32] - 127);
    }

    private double[] gated(double[] gate, double[] up) {
        double[] result = new double[gate.length];
        for (int i = 0; i < gate.length; i++) {
            double x = gate[i];
            double active = type.startsWith("gemma")
                    ? 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)))
                    : x / (1 + Math.exp(-x));
            result[i] = active * up[i];
        }
        return result;
    }

    private double[] linear(String name, double[] x) {
        return weights.linear(name, x, weights.has(name + ".bias"));
    }

    /** Norms each head, or all together, as long as the weights are; returns the row itself where there are none. */
    private double[] headNorms(double[] row, String name) {
        if (!weights.has(name + ".weight")) {
            return row;
        }
        int length = weights.get(name + ".weight").length;
        double[] result = new double[row.length];
        for (int first = 0; first < row.length; first += length) {
            System.arraycopy(norm(Arrays.copyOfRange(row, first, first + length), name), 0, result, first, length);
        }
        return result;
    }

    private double[] norm(double[] x, String name) {
        if (!weights.has(name + ".weight")) {
            return x;
        }
        double mean = opt ? Arrays.stream(x).average().orElseThrow() : 0;
        double square = 0;
        for (double value : x) {
            square += (value - mean) * (value - mean) / x.length;
        }
        double[] weight = weights.get(name + ".weight");
        double[] result = new double[x.length];
        double epsilon = config.path("rms_norm_eps").asDouble(1e-5);
        for (int i = 0; i < x.length; i++) {
            double factor = type.startsWith("gemma3") ? 1 + weight[i] : weight[i];
            result[i] = (x[i] - mean) / Math.sqrt(square + epsilon) * factor;
        }
        if (opt) {
            add(result, 1, weights.get(name + ".bias"));
        }
        return result;
    }
}
