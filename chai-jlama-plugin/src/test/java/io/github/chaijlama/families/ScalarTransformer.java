// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.families;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.github.chaijlama.cluster.HeadClusters;

import static io.github.chaijlama.families.ScalarMath.add;
import static io.github.chaijlama.families.ScalarMath.mixture;
import static io.github.chaijlama.families.ScalarMath.softmax;

/**
 * Llama, Mistral, Qwen2, Granite, Gemma, Gemma 2, Mixtral and GPT-2 as plain loops in double, written for the tests
 * from the descriptions of the architectures and of CHAI: it shares no code with what it checks. Slow; for small
 * models.
 */
public final class ScalarTransformer {
    private static final Set<String> TYPES = Set.of("llama", "mistral", "qwen2", "granite", "gemma", "gemma2",
            "mixtral", "gpt2");

    private final JsonNode config;
    private final ScalarWeights weights;
    private final String type;
    private final boolean gpt2;
    private final boolean gemma;
    private final int layers;
    private final int hidden;
    private final int heads;
    private final int kvHeads;
    private final int headSize;
    private final double epsilon;
    private final boolean tied;
    private final boolean gelu;
    private final ScalarRotary rotary;

    /** Reads config.json and model.safetensors. */
    public ScalarTransformer(Path directory) {
        try {
            config = new ObjectMapper().readTree(Files.readString(directory.resolve("config.json")));
            weights = new ScalarWeights(directory.resolve("model.safetensors"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        type = config.path("model_type").asText();
        if (!TYPES.contains(type) || config.hasNonNull("layer_types")) {
            throw new IllegalArgumentException("model type " + type + " with layers " + config.path("layer_types"));
        }
        gpt2 = type.equals("gpt2");
        gemma = type.startsWith("gemma");
        layers = (int) required(gpt2 ? "n_layer" : "num_hidden_layers");
        hidden = (int) required(gpt2 ? "n_embd" : "hidden_size");
        heads = (int) required(gpt2 ? "n_head" : "num_attention_heads");
        kvHeads = gpt2 ? heads : (int) optional("num_key_value_heads", heads);
        headSize = gpt2 ? hidden / heads : (int) optional("head_dim", hidden / heads);
        epsilon = required(gpt2 ? "layer_norm_epsilon" : "rms_norm_eps");
        tied = gpt2 || config.path("tie_word_embeddings").asBoolean(gemma);
        gelu = isGelu();
        rotary = gpt2 ? null : new ScalarRotary(config, headSize);
    }

    /**
     * Returns the logits of the last token.
     *
     * @param clusters static clusters of each layer, null for exact attention
     */
    public float[] logits(int[] tokens, List<HeadClusters> clusters) {
        double[] last = output(hidden(tokens, clusters)[tokens.length - 1]);
        float[] result = new float[last.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = (float) last[i];
        }
        return result;
    }

    /**
     * Returns the logits of every token, {@code (position, token)}.
     *
     * @param clusters static clusters of each layer, null for exact attention
     */
    public double[][] allLogits(int[] tokens, List<HeadClusters> clusters) {
        double[][] x = hidden(tokens, clusters);
        double[][] logits = new double[tokens.length][];
        for (int t = 0; t < tokens.length; t++) {
            logits[t] = output(x[t]);
        }
        return logits;
    }

    private double[][] hidden(int[] tokens, List<HeadClusters> clusters) {
        double[][] x = embed(tokens);
        for (int layer = 0; layer < layers; layer++) {
            runLayer(layer, x, clusters == null ? null : clusters.get(layer));
        }
        return x;
    }

    /**
     * Runs a layer.
     *
     * @param x        in and out, {@code (position, hidden)}
     * @param clusters static clusters, null for exact attention
     */
    void runLayer(int layer, double[][] x, HeadClusters clusters) {
        String prefix = prefix(layer);
        double residual = type.equals("granite") ? required("residual_multiplier") : 1;
        double[][] attended = attentionOutput(layer, x, clusters);
        for (int t = 0; t < x.length; t++) {
            double[] change = attended[t];
            if (type.equals("gemma2")) {
                change = norm(change, prefix + "post_attention_layernorm");
            }
            add(x[t], residual, change);
            change = feedForward(prefix, x[t]);
            if (type.equals("gemma2")) {
                change = norm(change, prefix + "post_feedforward_layernorm");
            }
            add(x[t], residual, change);
        }
    }

    /**
     * Returns what comes out of a layer's attention, its output projection included.
     *
     * @param x        what goes into the layer, {@code (position, hidden)}
     * @param clusters static clusters, null for exact attention
     */
    double[][] attentionOutput(int layer, double[][] x, HeadClusters clusters) {
        String prefix = prefix(layer);
        double[][] attended = attention(layer, prefix, x, clusters);
        for (int t = 0; t < x.length; t++) {
            attended[t] = gpt2 ? weights.conv1d(prefix + "attn.c_proj", attended[t])
                    : weights.linear(prefix + "self_attn.o_proj", attended[t], enabled("attention_bias"));
        }
        return attended;
    }

    private String prefix(int layer) {
        return (gpt2 ? "h." : "model.layers.") + layer + ".";
    }

    int layers() {
        return layers;
    }

    int heads() {
        return heads;
    }

    /** Returns the weights. Tests may change them. */
    ScalarWeights weights() {
        return weights;
    }

    /** Returns what goes into the first layer, {@code (position, hidden)}. */
    double[][] embed(int[] tokens) {
        double factor = switch (type) {
            case "granite" -> required("embedding_multiplier");
            case "gemma", "gemma2" -> Math.sqrt(hidden);
            default -> 1;
        };
        double[] embedding = weights.get(gpt2 ? "wte.weight" : "model.embed_tokens.weight");
        double[][] x = new double[tokens.length][hidden];
        for (int t = 0; t < tokens.length; t++) {
            for (int i = 0; i < hidden; i++) {
                x[t][i] = embedding[tokens[t] * hidden + i] * factor;
                if (gpt2) {
                    x[t][i] += weights.get("wpe.weight")[t * hidden + i];
                }
            }
        }
        return x;
    }

    private double[] output(double[] x) {
        double[] normed = norm(x, gpt2 ? "ln_f" : "model.norm");
        String embedding = gpt2 ? "wte" : "model.embed_tokens";
        double[] logits = weights.multiply(tied ? embedding : "lm_head", normed);
        for (int i = 0; i < logits.length; i++) {
            if (type.equals("granite")) {
                logits[i] /= required("logits_scaling");
            } else if (type.equals("gemma2")) {
                logits[i] = cap(logits[i], "final_logit_softcapping");
            }
        }
        return logits;
    }

    private double[][] attention(int layer, String prefix, double[][] x, HeadClusters clusters) {
        double[][] q = new double[x.length][];
        double[][] k = new double[x.length][];
        double[][] v = new double[x.length][];
        boolean bias = type.equals("qwen2") || enabled("attention_bias");
        for (int t = 0; t < x.length; t++) {
            double[] normed = norm(x[t], prefix + (gpt2 ? "ln_1" : "input_layernorm"));
            if (gpt2) {
                double[] qkv = weights.conv1d(prefix + "attn.c_attn", normed);
                q[t] = part(qkv, 0);
                k[t] = part(qkv, 1);
                v[t] = part(qkv, 2);
            } else {
                q[t] = rotary.rotate(weights.linear(prefix + "self_attn.q_proj", normed, bias), t);
                k[t] = rotary.rotate(weights.linear(prefix + "self_attn.k_proj", normed, bias), t);
                v[t] = weights.linear(prefix + "self_attn.v_proj", normed, bias);
            }
        }
        int window = window(layer);
        double[][] out = new double[x.length][heads * headSize];
        for (int t = 0; t < x.length; t++) {
            int first = Math.max(0, t - window + 1);
            for (int h = 0; h < heads; h++) {
                int scorer = clusters == null ? h : clusters.representative(clusters.member(h));
                double[] p = probabilities(q[t], k, scorer, first, t);
                for (int s = first; s <= t; s++) {
                    for (int i = 0; i < headSize; i++) {
                        out[t][h * headSize + i] += p[s - first] * v[s][kvHead(h) * headSize + i];
                    }
                }
            }
        }
        return out;
    }

    /** Returns how the positions from first to last share one head's attention. */
    private double[] probabilities(double[] q, double[][] k, int head, int first, int last) {
        double scale = switch (type) {
            case "granite" -> required("attention_multiplier");
            case "gemma2" -> 1 / Math.sqrt(required("query_pre_attn_scalar"));
            default -> 1 / Math.sqrt(headSize);
        };
        double[] p = new double[last - first + 1];
        for (int s = first; s <= last; s++) {
            double dot = 0;
            for (int i = 0; i < headSize; i++) {
                dot += q[head * headSize + i] * k[s][kvHead(head) * headSize + i];
            }
            p[s - first] = dot * scale;
            if (type.equals("gemma2")) {
                p[s - first] = cap(p[s - first], "attn_logit_softcapping");
            }
        }
        return softmax(p);
    }

    /** Returns how many positions a query of the layer sees, itself among them. */
    private int window(int layer) {
        boolean windowed = switch (type) {
            case "mistral", "mixtral" -> true;
            case "qwen2" -> enabled("use_sliding_window") && layer >= required("max_window_layers");
            case "gemma2" -> layer % 2 == 0;
            default -> false;
        };
        return windowed ? (int) optional("sliding_window", Integer.MAX_VALUE) : Integer.MAX_VALUE;
    }

    private int kvHead(int head) {
        return head / (heads / kvHeads);
    }

    private double[] feedForward(String prefix, double[] x) {
        String normName = switch (type) {
            case "gpt2" -> "ln_2";
            case "gemma2" -> "pre_feedforward_layernorm";
            default -> "post_attention_layernorm";
        };
        double[] normed = norm(x, prefix + normName);
        boolean bias = enabled("mlp_bias");
        return switch (type) {
            case "gpt2" -> {
                double[] inner = weights.conv1d(prefix + "mlp.c_fc", normed);
                for (int i = 0; i < inner.length; i++) {
                    inner[i] = activation(inner[i]);
                }
                yield weights.conv1d(prefix + "mlp.c_proj", inner);
            }
            case "mixtral" -> {
                String moe = prefix + "block_sparse_moe.";
                double[] shares = mixture(weights.multiply(moe + "gate", normed),
                        (int) required("num_experts_per_tok"));
                double[] sum = new double[hidden];
                for (int e = 0; e < shares.length; e++) {
                    if (shares[e] > 0) {
                        String expert = moe + "experts." + e + ".";
                        add(sum, shares[e], gated(expert + "w1", expert + "w3", expert + "w2", normed, false));
                    }
                }
                yield sum;
            }
            default -> gated(prefix + "mlp.gate_proj", prefix + "mlp.up_proj", prefix + "mlp.down_proj", normed, bias);
        };
    }

    private double[] gated(String gate, String up, String down, double[] x, boolean bias) {
        double[] inner = weights.linear(gate, x, bias);
        double[] other = weights.linear(up, x, bias);
        for (int i = 0; i < inner.length; i++) {
            inner[i] = activation(inner[i]) * other[i];
        }
        return weights.linear(down, inner, bias);
    }

    private boolean isGelu() {
        String name = switch (type) {
            case "gpt2" -> config.path("activation_function").asText("gelu_new");
            // Gemma's hidden_act has no effect: its first files said gelu there, and meant the approximation.
            case "gemma", "gemma2" -> config.path("hidden_activation").asText("gelu_pytorch_tanh");
            default -> config.path("hidden_act").asText("silu");
        };
        return switch (name) {
            case "silu" -> false;
            case "gelu_new", "gelu_pytorch_tanh" -> true;
            default -> throw new IllegalArgumentException("activation function " + name);
        };
    }

    private double activation(double x) {
        return gelu ? 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)))
                : x / (1 + Math.exp(-x));
    }

    private double[] norm(double[] x, String name) {
        double mean = 0;
        if (gpt2) {
            for (double value : x) {
                mean += value / x.length;
            }
        }
        double square = 0;
        for (double value : x) {
            square += (value - mean) * (value - mean) / x.length;
        }
        double[] weight = weights.get(name + ".weight");
        double[] result = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            result[i] = (x[i] - mean) / Math.sqrt(square + epsilon) * (gemma ? 1 + weight[i] : weight[i]);
        }
        if (gpt2) {
            add(result, 1, weights.get(name + ".bias"));
        }
        return result;
    }

    private double cap(double value, String limit) {
        double cap = optional(limit, Double.POSITIVE_INFINITY);
        return Double.isInfinite(cap) ? value : cap * Math.tanh(value / cap);
    }

    private double[] part(double[] qkv, int index) {
        double[] result = new double[hidden];
        System.arraycopy(qkv, index * hidden, result, 0, hidden);
        return result;
    }

    private boolean enabled(String name) {
        return config.path(name).asBoolean(false);
    }

    private double required(String name) {
        if (!config.path(name).isNumber()) {
            throw new IllegalArgumentException("no number " + name + " in config.json");
        }
        return config.path(name).doubleValue();
    }

    private double optional(String name, double defaultValue) {
        return config.hasNonNull(name) ? required(name) : defaultValue;
    }
}
