// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.TestWeights;
import io.github.chaijlama.jlama.StockLayer;
import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.model.HeadLayout;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;

/**
 * One layer's attention of one arm, in a model of one layer with rows of {@value #HIDDEN} values. Query heads that are
 * equal modulo {@value #CLUSTERS} have equal weights, and so have all key heads: clustered attention finds exactly
 * those clusters and has to give what exact attention gives.
 */
final class AttentionLayer implements AutoCloseable {
    static final int HIDDEN = 32;
    static final int CLUSTERS = 4;
    private static final int VOCABULARY = 32;

    private final Path directory;
    private final TestWeights weights;
    private final HeadLayout heads;
    private final LayerArm arm;
    private final Arena arena = Arena.ofShared();
    private final Rows rows;
    private final Rows out;
    private final int window;
    private final int numberOfSequences;
    private int current;

    /** Creates a layer and an empty sequence with keys and values as F32. */
    AttentionLayer(AttentionMode arm, HeadLayout heads, int contextLength, int window) throws IOException {
        this(arm, heads, contextLength, window, KvType.F32, 1);
    }

    /**
     * Creates a layer and empty sequences.
     *
     * @param window            positions a query sees, 0 for all; Jlama's own attention knows none
     * @param type              how keys and values are stored; Jlama's own attention knows F32 only
     * @param numberOfSequences more than one make keys and values come from memory and not from a cache
     */
    AttentionLayer(AttentionMode mode, HeadLayout heads, int contextLength, int window, KvType type,
            int numberOfSequences) throws IOException {
        this.window = window;
        this.heads = heads;
        this.numberOfSequences = numberOfSequences;
        this.directory = Files.createTempDirectory("chai-jmh");
        this.weights = write(directory, heads, contextLength, window);
        this.rows = randomRows(arena, contextLength);
        this.out = new Rows(arena.allocate((long) contextLength * HIDDEN * Float.BYTES), contextLength, HIDDEN);
        this.arm = arm(mode, type);
    }

    private LayerArm arm(AttentionMode mode, KvType type) {
        ModelConfig config = ModelConfig.read(directory);
        return switch (mode) {
            case STOCK -> {
                if (type != KvType.F32) {
                    throw new IllegalArgumentException("stock attention stores F32, asked for " + type);
                }
                yield new StockLayer(directory, config, numberOfSequences);
            }
            case EXACT -> new ChaiLayer(directory, config, ClusterProfile.exact(config.shape()), type,
                    numberOfSequences);
            case CLUSTERED -> new ChaiLayer(directory, config,
                    new ClusterProfile(config.shape(), List.of(CLUSTERS), Membership.defaults()), type,
                    numberOfSequences);
        };
    }

    /** Turns to the next sequence, after the last one to the first. */
    void nextSequence() {
        current = (current + 1) % numberOfSequences;
    }

    /**
     * Runs the layer over positions {@code position} to {@code position + count - 1}, at most a batch; cuts off what
     * was behind.
     */
    float run(int position, int count) {
        Rows result = out.rows(0, count);
        arm.run(current, position, rows.rows(position, count), result);
        return result.memory().getAtIndex(ValueLayout.JAVA_FLOAT, result.at(count - 1));
    }

    /** Runs the layer over the first positions, in the batches that sessions use. */
    float prefill(int tokens) {
        float last = 0;
        int position = 0;
        for (int batch : BatchPlan.batches(tokens)) {
            last = run(position, batch);
            position += batch;
        }
        return last;
    }

    /** Returns the output row of a position that was just run up to, by the layer. */
    float[] lastRow(int position) {
        run(position, 1);
        return out.memory().asSlice(0, (long) HIDDEN * Float.BYTES).toArray(ValueLayout.JAVA_FLOAT);
    }

    /** Returns the clusters of the layer after {@link #prefill}. */
    int numberOfClusters() {
        return arm.numberOfClusters(current);
    }

    /** Copies rows into Jlama's own cache, see {@link StockLayer#copyRows}. */
    float copyRows(int tokens) {
        return ((StockLayer) arm).copyRows(current, tokens);
    }

    /** Returns the output row of a position by the definition of attention, in double. */
    double[] referenceRow(int position) {
        int size = heads.headSize();
        int first = window == 0 ? 0 : Math.max(0, position - window + 1);
        double[] queries = project("q_proj", position, heads.numberOfHeads(), true);
        List<double[]> keys = new ArrayList<>();
        List<double[]> values = new ArrayList<>();
        for (int key = first; key <= position; key++) {
            keys.add(project("k_proj", key, heads.numberOfKvHeads(), true));
            values.add(project("v_proj", key, heads.numberOfKvHeads(), false));
        }
        double[] attended = new double[heads.queryLength()];
        for (int head = 0; head < heads.numberOfHeads(); head++) {
            int kvOffset = heads.kvHead(head) * size;
            double[] weightOfKey = new double[keys.size()];
            double sum = 0;
            for (int key = 0; key < weightOfKey.length; key++) {
                double score = 0;
                for (int i = 0; i < size; i++) {
                    score += queries[head * size + i] * keys.get(key)[kvOffset + i];
                }
                weightOfKey[key] = Math.exp(score / Math.sqrt(size)); // scores are small
                sum += weightOfKey[key];
            }
            for (int key = 0; key < weightOfKey.length; key++) {
                for (int i = 0; i < size; i++) {
                    attended[head * size + i] += weightOfKey[key] / sum * values.get(key)[kvOffset + i];
                }
            }
        }
        double[] output = weights.values("model.layers.0.self_attn.o_proj.weight");
        double[] row = new double[HIDDEN];
        for (int i = 0; i < HIDDEN; i++) {
            for (int j = 0; j < attended.length; j++) {
                row[i] += output[i * attended.length + j] * attended[j];
            }
        }
        return row;
    }

    private double[] project(String name, int position, int numberOfHeads, boolean rotate) {
        int size = heads.headSize();
        double[] matrix = weights.values("model.layers.0.self_attn." + name + ".weight");
        double[] out = new double[numberOfHeads * size];
        for (int i = 0; i < out.length; i++) {
            for (int j = 0; j < HIDDEN; j++) {
                out[i] += matrix[i * HIDDEN + j]
                        * rows.memory().getAtIndex(ValueLayout.JAVA_FLOAT, rows.at(position) + j);
            }
        }
        for (int head = 0; rotate && head < numberOfHeads; head++) {
            for (int i = 0; i < size / 2; i++) {
                double angle = position * Math.pow(10000, -2.0 * i / size);
                double x = out[head * size + i];
                double y = out[head * size + i + size / 2];
                out[head * size + i] = x * Math.cos(angle) - y * Math.sin(angle);
                out[head * size + i + size / 2] = x * Math.sin(angle) + y * Math.cos(angle);
            }
        }
        return out;
    }

    private static Rows randomRows(Arena arena, int count) {
        SplittableRandom random = new SplittableRandom(1);
        Rows rows = new Rows(arena.allocate((long) count * HIDDEN * Float.BYTES), count, HIDDEN);
        for (long i = 0; i < (long) count * HIDDEN; i++) {
            rows.memory().setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextDouble(-1, 1));
        }
        return rows;
    }

    private static TestWeights write(Path directory, HeadLayout heads, int contextLength, int window)
            throws IOException {
        TestWeights weights = new TestWeights();
        String layer = "model.layers.0.";
        put(weights, "model.embed_tokens.weight", VOCABULARY, HIDDEN, VOCABULARY, 1);
        put(weights, layer + "input_layernorm.weight", 1, HIDDEN, 1, 2);
        put(weights, layer + "self_attn.q_proj.weight", heads.queryLength(), HIDDEN, CLUSTERS * heads.headSize(), 3);
        put(weights, layer + "self_attn.k_proj.weight", heads.kvLength(), HIDDEN, heads.headSize(), 4);
        put(weights, layer + "self_attn.v_proj.weight", heads.kvLength(), HIDDEN, heads.kvLength(), 5);
        put(weights, layer + "self_attn.o_proj.weight", HIDDEN, heads.queryLength(), HIDDEN, 6);
        put(weights, layer + "post_attention_layernorm.weight", 1, HIDDEN, 1, 7);
        put(weights, layer + "mlp.gate_proj.weight", HIDDEN, HIDDEN, HIDDEN, 8);
        put(weights, layer + "mlp.up_proj.weight", HIDDEN, HIDDEN, HIDDEN, 9);
        put(weights, layer + "mlp.down_proj.weight", HIDDEN, HIDDEN, HIDDEN, 10);
        put(weights, "model.norm.weight", 1, HIDDEN, 1, 11);
        put(weights, "lm_head.weight", VOCABULARY, HIDDEN, VOCABULARY, 12);
        weights.write(directory.resolve("model.safetensors"), 0);
        Files.writeString(directory.resolve("config.json"), """
                {"architectures": ["MistralForCausalLM"], "model_type": "mistral", "hidden_act": "silu",
                 "bos_token_id": 1, "eos_token_id": 2, "hidden_size": %d, "intermediate_size": %d,
                 "num_hidden_layers": 1, "num_attention_heads": %d, "num_key_value_heads": %d, "head_dim": %d,
                 "max_position_embeddings": %d, "rope_theta": 10000.0, "rms_norm_eps": 1e-5, "vocab_size": %d,
                 "tie_word_embeddings": false, "sliding_window": %s}
                """.formatted(HIDDEN, HIDDEN, heads.numberOfHeads(), heads.numberOfKvHeads(), heads.headSize(),
                contextLength, VOCABULARY, window == 0 ? "null" : window));
        return weights;
    }

    /** Adds a random matrix whose rows repeat after {@code distinctRows}; one row is a vector. */
    private static void put(TestWeights weights, String name, int rowCount, int columns, int distinctRows, int seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[distinctRows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.nextDouble(-1, 1) / Math.sqrt(columns));
        }
        ByteBuffer bytes = ByteBuffer.allocate(rowCount * columns * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < rowCount * columns; i++) {
            bytes.putFloat(values[i % values.length]);
        }
        weights.put(name, "F32", rowCount == 1 ? new long[]{ columns } : new long[]{ rowCount, columns },
                bytes.array());
    }

    @Override
    public void close() throws IOException {
        arm.close();
        arena.close();
        TestModels.delete(directory);
    }
}
