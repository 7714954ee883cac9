// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;

import io.github.chaijlama.attention.AttentionSequence;
import io.github.chaijlama.attention.LayerAttention;
import io.github.chaijlama.attention.ModelAttention;
import io.github.chaijlama.attention.RotaryEmbedding;
import io.github.chaijlama.attention.SequenceRows;
import io.github.chaijlama.kernel.KernelProvider;
import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.kv.KvBudget;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.kv.PagePool;
import io.github.chaijlama.model.LayerConfig;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.model.Rotary;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.product.MatrixProducts;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightFormat;
import io.github.chaijlama.weight.WeightSource;

/**
 * The layers of a model with what they share: threads, scratch memory for one step, the memory of keys and values.
 * Whoever runs layers holds the {@linkplain #lock() lock}, for one layer at least.
 */
public final class LayerStack implements AutoCloseable {
    private final ModelConfig config;
    private final PagePool pool;
    private final StepTools tools;
    private final ModelAttention attention;
    private final Map<Angles, RotaryEmbedding> rotary = new HashMap<>();
    private final List<DecoderLayer> layers;
    /** The same layers with the products for prompts, where these are others. */
    private final Optional<List<DecoderLayer>> promptLayers;
    private final ReentrantLock lock = new ReentrantLock(true);
    private boolean closed;

    /** What layers have in common that turn queries and keys by the same angles. */
    private record Angles(Rotary kind, int headSize) {}

    /**
     * Creates the layers of a model.
     *
     * @param weights    their weights; the memory must outlive the layers
     * @param products   matrix products
     * @param workers    threads of a step; stay open when the layers are closed
     * @param budget   for keys and values of all sequences
     * @param clock      told how long everything takes, if anybody measures
     * @throws io.github.chaijlama.kv.KvCacheTooSmallException if the budget does not hold a single token
     */
    public LayerStack(ModelConfig config, WeightSource weights, MatrixProducts products, WorkerPool workers,
            KvBudget budget, Optional<StepClock> clock) {
        requireRoomForOneToken(config, budget.maxBytes());
        this.config = config;
        this.attention = new ModelAttention(config.attentions(), KernelProvider.get(), workers);
        this.pool = attention.newPool(budget);
        this.tools = new StepTools(products, KernelProvider.rows(), workers, new StepScratch());
        try {
            Set<WeightFormat> formats = EnumSet.noneOf(WeightFormat.class);
            this.layers = layers(part -> {
                Weight weight = weights.weight(part);
                formats.add(weight.format());
                return weight;
            }, clock, tools);
            MatrixProducts forPrompts = products.forPrompts(formats);
            this.promptLayers = forPrompts.equals(products) ? Optional.empty()
                    : Optional.of(layers(weights, clock,
                            new StepTools(forPrompts, tools.kernels(), workers, tools.scratch())));
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private List<DecoderLayer> layers(WeightSource weights, Optional<StepClock> clock, StepTools with) {
        List<DecoderLayer> made = new ArrayList<>();
        for (int layer = 0; layer < config.layers(); layer++) {
            made.add(layer(layer, weights, clock, with));
        }
        return List.copyOf(made);
    }

    private DecoderLayer layer(int layer, WeightSource weights, Optional<StepClock> clock, StepTools with) {
        LayerConfig layerConfig = config.layer(layer);
        Optional<RotaryEmbedding> angles = layerConfig.attention().rotary()
                .map(kind -> rotary.computeIfAbsent(new Angles(kind, config.heads(layer).headSize()), this::angles));
        LayerAttention ofLayer = attention.layer(layer);
        return clock.<DecoderLayer>map(
                present -> new TimedLayer(layer, layerConfig, weights, ofLayer, angles, with, present))
                .orElseGet(() -> new DecoderLayer(layer, layerConfig, weights, ofLayer, angles, with));
    }

    private RotaryEmbedding angles(Angles of) {
        return new RotaryEmbedding(config.contextLength(), of.kind(), of.headSize(), KernelProvider.get());
    }

    /**
     * Checks a budget before a model is loaded for it.
     *
     * @throws io.github.chaijlama.kv.KvCacheTooSmallException if it does not hold a single token
     */
    public static void requireRoomForOneToken(ModelConfig config, long maxKvBytes) {
        ModelAttention.requireRoomForOneToken(config.attentions(), maxKvBytes);
    }

    /** Returns what lets steps, or layers of steps, take turns in order of arrival. */
    public ReentrantLock lock() {
        return lock;
    }

    /**
     * Starts an empty sequence.
     *
     * @param profile clusters per layer, checked to fit the model
     * @param type    how keys and values are stored
     */
    public AttentionSequence newSequence(ClusterProfile profile, KvType type) {
        return attention.newSequence(profile, pool, type);
    }

    /**
     * Runs a layer of a model whose tokens say nothing to layers but their rows.
     *
     * @param sequences the rows of the step, in order, without gaps; each of another sequence, in a step
     * @param x         in and out, {@code (row, hiddenSize)}
     */
    public void forward(int layer, List<SequenceRows> sequences, Rows x) {
        forward(layer, sequences, x, Optional.empty());
    }

    /**
     * Runs a layer.
     *
     * @param inputs what tokens say to every layer, {@code (row, layer, size)}, where the model has that
     */
    void forward(int layer, List<SequenceRows> sequences, Rows x, Optional<Rows> inputs) {
        if (promptLayers.isEmpty()) {
            layers.get(layer).forward(sequences, x, inputs);
            return;
        }
        for (int from = 0; from < sequences.size();) {
            boolean prompt = isPrompt(sequences.get(from));
            int end = from + 1;
            while (end < sequences.size() && isPrompt(sequences.get(end)) == prompt) {
                end++;
            }
            List<SequenceRows> some = sequences.subList(from, end);
            (prompt ? promptLayers.get() : layers).get(layer).forward(moved(some), rows(some, x),
                    inputs.map(all -> rows(some, all)));
            from = end;
        }
    }

    private static boolean isPrompt(SequenceRows rows) {
        return rows.sequence().isPrompt(rows.rows());
    }

    /** Returns the rows of some neighbouring sequences of a step. */
    private static Rows rows(List<SequenceRows> sequences, Rows x) {
        int first = sequences.getFirst().firstRow();
        return x.rows(first, sequences.getLast().firstRow() + sequences.getLast().rows() - first);
    }

    /** Returns some neighbouring sequences of a step as if they were all. */
    private static List<SequenceRows> moved(List<SequenceRows> sequences) {
        int first = sequences.getFirst().firstRow();
        return first == 0 ? sequences
                : sequences.stream().map(rows -> new SequenceRows(rows.sequence(), rows.firstRow() - first,
                        rows.rows(), rows.position())).toList();
    }

    /** Returns memory for the rows of a step; what was returned before becomes invalid. */
    public Rows rows(int count) {
        return tools.scratch().hidden.rows(count, config.hiddenSize());
    }

    /** Returns memory for the rows of a step whose logits are wanted; what was returned before becomes invalid. */
    Rows wantedRows(int count) {
        return tools.scratch().last.rows(count, config.hiddenSize());
    }

    /** Returns the configuration of the model. */
    public ModelConfig config() {
        return config;
    }

    /** Returns the memory of keys and values. */
    public PagePool pool() {
        return pool;
    }

    /** Returns the matrix of a layer's output projection, {@code (hiddenSize, head * headSize)}. */
    public Weight outputProjection(int layer) {
        return layers.get(layer).outputWeight();
    }

    StepTools tools() {
        return tools;
    }

    boolean isClosed() {
        return closed;
    }

    /** Frees everything, after a step that is running. Sequences that are open become unusable. */
    @Override
    public void close() {
        lock.lock();
        try {
            if (!closed) {
                closed = true;
                pool.close();
                attention.close();
                rotary.values().forEach(RotaryEmbedding::close);
                tools.scratch().close();
            }
        } finally {
            lock.unlock();
        }
    }
}
