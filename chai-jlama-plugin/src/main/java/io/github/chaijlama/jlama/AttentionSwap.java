// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.lang.ref.Cleaner;
import java.util.Collections;
import java.util.Map;
import java.util.WeakHashMap;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.MLPBlock;
import com.github.tjake.jlama.model.MoEBlock;
import com.github.tjake.jlama.model.TransformerBlock;
import com.github.tjake.jlama.model.functions.FeedForward;
import com.github.tjake.jlama.safetensors.Config;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.tensor.KvBufferCache;
import com.github.tjake.jlama.tensor.KvBufferCache.KvBuffer;

import io.github.chaijlama.attention.AttentionSequence;
import io.github.chaijlama.attention.LayerAttention;
import io.github.chaijlama.attention.RotaryEmbedding;
import io.github.chaijlama.kernel.KernelProvider;
import io.github.chaijlama.kv.KvStore;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.kv.PagePool;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.profile.ClusterProfile;

/**
 * Exchanges the attention and the key/value cache of a loaded Jlama model in place, and puts the old ones back when it
 * is closed. No class of Jlama is changed and no final field written: new blocks around the model's own weights and
 * norms take the places of the old ones in its block array.
 *
 * <p>The model stays usable through Jlama's own methods: {@code generate} and {@code forward} then run on this
 * attention, from any number of threads, and write no files. Sequences begun that way use the swap's profile. Jlama
 * never says when one ends: the last 16 sessions are remembered, and the memory of the others goes back to the pool
 * when the garbage collector finds that Jlama's buffer is no longer reachable. Close the swap when no such pass is
 * running.
 */
public final class AttentionSwap implements AutoCloseable {
    private static final Cleaner CLEANER = Cleaner.create();

    private final AbstractModel model;
    private final ModelConfig config;
    private final ClusterProfile defaultProfile;
    private final PagePool pool;
    private final SwapResources resources;
    private final RotaryEmbedding rotary;
    private final LayerAttention attention;
    private final TransformerBlock[] oldBlocks;
    private final KvBufferCache oldKvBufferCache;
    private final Map<KvBuffer, Entry> sequences = Collections.synchronizedMap(new WeakHashMap<>());
    private boolean closed;

    /**
     * A sequence.
     *
     * @param jlamaSteps whether Jlama's own methods run it, so that its steps begin and end with the first and last
     *                   layer
     */
    private record Entry(AttentionSequence sequence, boolean jlamaSteps) {}

    private AttentionSwap(AbstractModel model, ModelConfig config, ClusterProfile defaultProfile, long maxKvBytes,
            WorkerPool workers) {
        this.model = model;
        this.config = config;
        this.defaultProfile = defaultProfile;
        this.oldBlocks = JlamaAccess.blocks(model).clone();
        this.oldKvBufferCache = JlamaAccess.kvBufferCache(model);
        this.pool = new PagePool(maxKvBytes, KvStore.pageBytes(config.heads().headSize()));
        this.rotary = config.rotary() == null ? null
                : new RotaryEmbedding(config.contextLength(), config.rotary().scaling()
                        .frequencies(config.heads().headSize(), config.rotary().theta()));
        this.resources = new SwapResources(model.getConfig(), workers);
        try {
            this.attention = new LayerAttention(config.heads(), config.scores(), rotary, KernelProvider.get(),
                    workers);
        } catch (RuntimeException | Error e) { // the scratch of many threads may be more than there is
            resources.close();
            closeRotary();
            throw e;
        }
    }

    /**
     * Exchanges the attention of a model.
     *
     * @param model          a loaded model
     * @param config         its configuration
     * @param defaultProfile clusters for sequences that begin in Jlama's own methods, null for exact attention
     * @param maxKvBytes     budget for keys and values of all sequences together, in bytes
     * @param workers        threads of the parallel regions; stays open when the swap is closed
     * @throws ModelLoadException       if this Jlama is not the one this was made for, or the configuration is not this
     *                                  model's
     * @throws io.github.chaijlama.kv.KvCacheTooSmallException if the budget does not hold a single token
     * @throws IllegalStateException    if the model's attention is exchanged already
     */
    public static AttentionSwap install(AbstractModel model, ModelConfig config, ClusterProfile defaultProfile,
            long maxKvBytes, WorkerPool workers) {
        JlamaAccess.requireCompatible();
        TransformerBlock[] blocks = JlamaAccess.blocks(model);
        if (blocks == null || blocks.length != config.layers()) {
            throw new ModelLoadException("the model has " + (blocks == null ? "no" : blocks.length)
                    + " layers, its configuration has " + config.layers());
        }
        if (JlamaAccess.parts(blocks[0]).attention() instanceof ClusteredSelfAttention) {
            throw new IllegalStateException("the attention of this model is exchanged already");
        }
        requireSameModel(model.getConfig(), config);
        if (defaultProfile != null) {
            defaultProfile.requireFits(config.shape());
        }
        KvStore.requireRoomForOneToken(maxKvBytes, config.layers(), config.heads().numberOfKvHeads(),
                config.heads().headSize());
        AttentionSwap swap = new AttentionSwap(model, config, defaultProfile, maxKvBytes, workers);
        // All or none: a model half exchanged would run, and be wrong.
        TransformerBlock[] exchanged;
        try {
            exchanged = swap.exchangedBlocks();
        } catch (RuntimeException | Error e) {
            swap.closeResources();
            throw e;
        }
        System.arraycopy(exchanged, 0, blocks, 0, blocks.length);
        JlamaAccess.setKvBufferCache(model, new SessionBuffers(model));
        return swap;
    }

    private static void requireSameModel(Config jlama, ModelConfig config) {
        requireSame("heads", jlama.numberOfHeads, config.heads().numberOfHeads());
        requireSame("KV heads", jlama.numberOfKeyValueHeads, config.heads().numberOfKvHeads());
        requireSame("head size", jlama.headSize, config.heads().headSize());
        requireSame("hidden size", jlama.embeddingLength, config.hiddenSize());
        requireSame("intermediate size", jlama.hiddenLength, config.intermediateSize());
        requireSame("factor of attention scores", jlama.attentionMultiplier, config.scores().scale());
        requireSame("cap of attention scores", jlama.attnLogitSoftCapping, config.scores().softCap());
    }

    /** What Jlama's configuration leaves open it may simply not know. */
    private static void requireSame(String what, Float found, float expected) {
        if (found != null && Math.abs(found - expected) > 1e-6f * Math.abs(expected)) {
            throw new ModelLoadException(
                    "the model's " + what + " is " + found + ", its configuration has " + expected);
        }
    }

    private static void requireSame(String what, int found, int expected) {
        if (found != expected) {
            throw new ModelLoadException(
                    "the model's " + what + " is " + found + ", its configuration has " + expected);
        }
    }

    private TransformerBlock[] exchangedBlocks() {
        TransformerBlock[] blocks = new TransformerBlock[oldBlocks.length];
        for (int layer = 0; layer < blocks.length; layer++) {
            JlamaAccess.BlockParts parts = JlamaAccess.parts(oldBlocks[layer]);
            blocks[layer] = parts.rebuild(model, layer,
                    new ClusteredSelfAttention(model, layer, JlamaAccess.weights(parts.attention()), this, resources),
                    statelessTwin(parts.feedForward()));
        }
        return blocks;
    }

    private FeedForward statelessTwin(FeedForward feedForward) {
        return switch (feedForward) {
            case MLPBlock mlp -> new StatelessMlp(model, JlamaAccess.weights(mlp), resources);
            case MoEBlock moe when JlamaAccess.workingQuantizedType(model) == DType.F32 ->
                new StatelessMoe(model, JlamaAccess.weights(moe), resources);
            default -> throw new ModelLoadException("the model's feed-forward network "
                    + feedForward.getClass().getSimpleName() + " cannot be run with activations of type "
                    + JlamaAccess.workingQuantizedType(model));
        };
    }

    /** Returns the model, whose own methods keep working. */
    public AbstractModel model() {
        return model;
    }

    /** Returns the memory of keys and values. */
    public PagePool pool() {
        return pool;
    }

    /** Puts the old attention and key/value cache back and frees all memory. Sequences of this swap end. */
    @Override
    public void close() {
        resources.lock().lock();
        try {
            if (!closed) {
                closed = true;
                TransformerBlock[] blocks = JlamaAccess.blocks(model);
                System.arraycopy(oldBlocks, 0, blocks, 0, blocks.length);
                JlamaAccess.setKvBufferCache(model, oldKvBufferCache);
                synchronized (sequences) {
                    sequences.values().forEach(entry -> entry.sequence().close());
                    sequences.clear();
                }
                closeResources();
            }
        } finally {
            resources.lock().unlock();
        }
    }

    private void closeResources() {
        pool.close();
        attention.close();
        closeRotary();
        resources.close();
    }

    private void closeRotary() {
        if (rotary != null) {
            rotary.close();
        }
    }

    SwapResources resources() {
        return resources;
    }

    LayerAttention attention() {
        return attention;
    }

    /**
     * Starts a sequence that is known by a buffer of Jlama; whoever starts it begins and ends its steps and closes it.
     */
    AttentionSequence open(KvBuffer buffer, ClusterProfile profile, KvType type) {
        AttentionSequence sequence = attention.newSequence(config.layers(), profile, pool, type);
        sequences.put(buffer, new Entry(sequence, false));
        return sequence;
    }

    /** Forgets a buffer. */
    void forget(KvBuffer buffer) {
        sequences.remove(buffer);
    }

    /**
     * Returns the sequence a buffer stands for, in a step. Where Jlama's own methods run the model, a batch that
     * reaches the first layer begins a step, and one that starts before the end of the sequence replaces what came
     * after.
     */
    AttentionSequence sequenceFor(KvBuffer buffer, int layer, int position, int rows) {
        if (closed) {
            throw new IllegalStateException("the model's own attention was put back while this pass was running");
        }
        Entry entry = sequences.computeIfAbsent(buffer, this::openForJlama);
        AttentionSequence sequence = entry.sequence();
        if (entry.jlamaSteps() && layer == 0) {
            restart(sequence, position);
            sequence.beginStep(rows);
        }
        return sequence;
    }

    /** Brings a sequence to where a pass of Jlama's own methods begins. */
    private static void restart(AttentionSequence sequence, int position) {
        if (sequence.isInStep()) {
            if (position > 0) {
                throw new IllegalStateException(
                        "an earlier pass over this session failed half way; it can go on from position 0 only");
            }
            sequence.reset();
        } else if (position < sequence.length()) {
            sequence.truncate(position);
        }
    }

    private Entry openForJlama(KvBuffer buffer) {
        AttentionSequence sequence = attention.newSequence(config.layers(), defaultProfile, pool, KvType.F32);
        CLEANER.register(buffer, sequence::close);
        return new Entry(sequence, true);
    }

    /** Ends the step after the last layer, where Jlama's own methods run the model. */
    void layerDone(KvBuffer buffer, int layer) {
        Entry entry = sequences.get(buffer);
        if (entry.jlamaSteps() && layer == config.layers() - 1) {
            entry.sequence().endStep();
        }
    }
}
