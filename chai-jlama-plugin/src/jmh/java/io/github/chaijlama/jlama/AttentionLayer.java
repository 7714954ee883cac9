// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.UUID;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.CausalSelfAttention;
import com.github.tjake.jlama.model.DistributedContext;
import com.github.tjake.jlama.safetensors.Config;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.FloatBufferTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import com.github.tjake.jlama.tensor.KvBufferCache.KvBuffer;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.TestWeights;
import io.github.chaijlama.attention.AttentionSequence;
import io.github.chaijlama.attention.HeadLayout;
import io.github.chaijlama.jlama.JlamaAccess.AttentionWeights;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.parallel.WorkerPool;
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
    private static final long BUDGET = 4L << 30;

    private final Path directory;
    private final TestWeights weights;
    private final ModelConfig config;
    private final SafetensorsWeights opened;
    private final AbstractModel model;
    private final WorkerPool workers;
    private final AttentionSwap swap;
    private final CausalSelfAttention attention;
    private final KvBufferCache cache;
    private final List<Sequence> sequences = new ArrayList<>();
    private final FloatBufferTensor rows;
    private final int window;
    private int current;

    /**
     * What a layer has seen.
     *
     * @param buffer     how Jlama knows it
     * @param attention  our keys and values, null for stock
     */
    private record Sequence(KvBuffer buffer, AttentionSequence attention) {}

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
    AttentionLayer(AttentionMode arm, HeadLayout heads, int contextLength, int window, KvType type,
            int numberOfSequences) throws IOException {
        this.window = window;
        this.directory = Files.createTempDirectory("chai-jmh");
        this.weights = write(directory, heads, contextLength, window);
        this.config = ConfigReader.read(directory);
        this.opened = SafetensorsWeights.open(directory);
        boolean stock = arm == AttentionMode.STOCK;
        opened.prepare(new WeightTypes(false, false, stock, config.family()));
        this.model = config.family().load(config, stock, opened, Optional.empty());
        this.workers = new WorkerPool(Runtime.getRuntime().availableProcessors());
        ClusterProfile profile = arm == AttentionMode.CLUSTERED
                ? new ClusterProfile(config.shape(), List.of(CLUSTERS), Membership.defaults())
                : null;
        if (stock) {
            if (type != KvType.F32) {
                throw new IllegalArgumentException("stock attention stores F32, asked for " + type);
            }
            this.swap = null;
            this.attention = stockAttention(heads);
            this.cache = new KvBufferCache(model);
        } else {
            this.swap = AttentionSwap.install(model, config, null, BUDGET, workers);
            this.attention = JlamaAccess.parts(JlamaAccess.blocks(model)[0]).attention();
            this.cache = JlamaAccess.kvBufferCache(model);
        }
        for (int i = 0; i < numberOfSequences; i++) {
            KvBuffer buffer = cache.getKvBuffer(UUID.randomUUID());
            sequences.add(new Sequence(buffer, stock ? null : swap.open(buffer, profile, type)));
        }
        this.rows = randomRows(contextLength);
    }

    /** Turns to the next sequence, after the last one to the first. */
    void nextSequence() {
        current = (current + 1) % sequences.size();
    }

    /** Jlama counts heads by the length of the rows that come in; it is told another one for that. */
    @SuppressWarnings({ "unchecked", "rawtypes" })
    private CausalSelfAttention stockAttention(HeadLayout heads) {
        Config wide = new Config(config.contextLength(), heads.queryLength(), config.intermediateSize(),
                heads.numberOfHeads(), heads.numberOfKvHeads(), 1, config.normEpsilon(), VOCABULARY, 1, List.of(2),
                config.activation(), null, null);
        model.getConfig().setWorkingDirectory(directory.toFile());
        model.getConfig().setDistributedContext(DistributedContext.builder(wide).build());
        AttentionWeights own = JlamaAccess.weights(JlamaAccess.parts(JlamaAccess.blocks(model)[0]).attention());
        Optional<AbstractTensor> none = Optional.empty();
        return new CausalSelfAttention(model, 0, none, none, none, own.query(), own.key(), own.value(), none,
                own.output());
    }

    /**
     * Runs the layer over positions {@code position} to {@code position + count - 1}, at most a batch; cuts off what
     * was behind.
     */
    float run(int position, int count) {
        try (AbstractTensor<?, ?> result = forward(position, count)) {
            return result.get(count - 1, 0);
        }
    }

    private AbstractTensor<?, ?> forward(int position, int count) {
        Sequence sequence = sequences.get(current);
        if (sequence.attention() != null) {
            if (position < sequence.attention().length()) {
                sequence.attention().truncate(position);
            }
            sequence.attention().beginStep(count);
        }
        AbstractTensor<?, ?> result = attention.forward(RowTensors.view(rows, position, count), position,
                sequence.buffer(), Optional.empty());
        if (sequence.attention() != null) {
            sequence.attention().endStep();
        }
        return result;
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
        try (AbstractTensor<?, ?> result = forward(position, 1)) {
            float[] row = new float[HIDDEN];
            for (int i = 0; i < HIDDEN; i++) {
                row[i] = result.get(0, i);
            }
            return row;
        }
    }

    /**
     * Copies a row into Jlama's own cache as the key and the value of each of the first positions, as its attention
     * does.
     */
    float copyRows(FloatBufferTensor row, int tokens) {
        KvBuffer buffer = sequences.get(current).buffer();
        float last = 0;
        for (int position = 0; position < tokens; position++) {
            AbstractTensor<?, ?> key = buffer.getKeyTensorForPosition(0, position);
            AbstractTensor<?, ?> value = buffer.getValTensorForPosition(0, position);
            key.copyFrom(row, 0, key.getOffset(0, 0), config.heads().kvLength());
            value.copyFrom(row, 0, value.getOffset(0, 0), config.heads().kvLength());
            last = value.get(0, 0);
        }
        return last;
    }

    /** Returns the clusters of the layer after {@link #prefill}. */
    int numberOfClusters() {
        AttentionSequence sequence = sequences.get(current).attention();
        return sequence == null ? config.heads().numberOfHeads() : sequence.clusters(0).numberOfClusters();
    }

    /** Returns the output row of a position by the definition of attention, in double. */
    double[] referenceRow(int position) {
        HeadLayout heads = config.heads();
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
        int size = config.heads().headSize();
        double[] matrix = weights.values("model.layers.0.self_attn." + name + ".weight");
        double[] out = new double[numberOfHeads * size];
        for (int i = 0; i < out.length; i++) {
            for (int j = 0; j < HIDDEN; j++) {
                out[i] += matrix[i * HIDDEN + j] * rows.get(position, j);
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

    private static FloatBufferTensor randomRows(int count) {
        SplittableRandom random = new SplittableRandom(1);
        FloatBufferTensor rows = new FloatBufferTensor(count, HIDDEN);
        for (int i = 0; i < count; i++) {
            for (int j = 0; j < HIDDEN; j++) {
                rows.set((float) random.nextDouble(-1, 1), i, j);
            }
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
        for (Sequence sequence : sequences) {
            if (sequence.attention() != null) {
                swap.forget(sequence.buffer());
                sequence.attention().close();
            }
        }
        cache.close();
        if (swap != null) {
            swap.close();
        }
        model.close();
        workers.close();
        opened.close();
        TestModels.delete(directory);
    }
}
