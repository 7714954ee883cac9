// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.lang.foreign.Arena;
import java.lang.ref.Cleaner;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.WeakHashMap;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.TransformerBlock;
import com.github.tjake.jlama.safetensors.Config;
import com.github.tjake.jlama.tensor.KvBufferCache;
import com.github.tjake.jlama.tensor.KvBufferCache.KvBuffer;
import org.jspecify.annotations.Nullable;

import io.github.chaijlama.attention.AttentionSequence;
import io.github.chaijlama.attention.SequenceRows;
import io.github.chaijlama.decoder.LayerStack;
import io.github.chaijlama.kv.KvBudget;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.kv.PagePool;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.model.ScoreRules;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.profile.ClusterProfile;

/**
 * Exchanges the layers and the key/value cache of a loaded Jlama model in place, and puts the old ones back when it is
 * closed: our layers, on the model's own weights, with clustered attention. No class of Jlama is changed and no final
 * field written: new blocks take the places of the old ones in its block array.
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
    private final ClusterProfile defaultProfile;
    private final LayerStack layers;
    private final Arena arena;
    private final JlamaProducts products;
    private final TransformerBlock[] oldBlocks;
    private final KvBufferCache oldKvBufferCache;
    private final Map<KvBuffer, AttentionSequence> sequences = Collections.synchronizedMap(new WeakHashMap<>());
    private boolean closed;

    @SuppressWarnings("MustBeClosedChecker") // close() does
    private AttentionSwap(AbstractModel model, ModelConfig config, ClusterProfile defaultProfile, long maxKvBytes,
            WorkerPool workers) {
        this.model = model;
        this.defaultProfile = defaultProfile;
        this.oldBlocks = JlamaAccess.blocks(model).clone();
        this.oldKvBufferCache = JlamaAccess.kvBufferCache(model);
        this.products = new JlamaProducts(workers);
        this.arena = Arena.ofShared();
        try {
            this.layers = new LayerStack(config, new JlamaWeights(config, oldBlocks, products.formats(), arena),
                    products, workers, new KvBudget(maxKvBytes), Optional.empty());
        } catch (RuntimeException | Error e) {
            arena.close();
            products.close();
            throw e;
        }
    }

    /**
     * Exchanges the layers of a model.
     *
     * @param model          a loaded model
     * @param config         its configuration
     * @param defaultProfile clusters for sequences that begin in Jlama's own methods
     * @param maxKvBytes     budget for keys and values of all sequences together, in bytes
     * @param workers        threads of the parallel regions; stays open when the swap is closed
     * @throws ModelLoadException       if this Jlama is not the one this was made for, the configuration is not this
     *                                  model's, or its weights are of a format that its operators do not multiply with
     * @throws io.github.chaijlama.kv.KvCacheTooSmallException if the budget does not hold a single token
     * @throws IllegalStateException    if the model's layers are exchanged already
     */
    public static AttentionSwap install(AbstractModel model, ModelConfig config, ClusterProfile defaultProfile,
            long maxKvBytes, WorkerPool workers) {
        JlamaAccess.requireCompatible();
        TransformerBlock[] blocks = JlamaAccess.blocks(model);
        if (blocks.length != config.layers()) {
            throw new ModelLoadException("the model has " + (blocks.length == 0 ? "no" : blocks.length)
                    + " layers, its configuration has " + config.layers());
        }
        if (blocks[0] instanceof SwappedBlock) {
            throw new IllegalStateException("the layers of this model are exchanged already");
        }
        requireSameModel(model.getConfig(), config);
        defaultProfile.requireFits(config.shape());
        AttentionSwap swap = new AttentionSwap(model, config, defaultProfile, maxKvBytes, workers);
        for (int layer = 0; layer < blocks.length; layer++) {
            blocks[layer] = new SwappedBlock(model, layer, JlamaAccess.parts(blocks[layer]), swap);
        }
        JlamaAccess.setKvBufferCache(model, new SessionBuffers(model));
        return swap;
    }

    private static void requireSameModel(Config jlama, ModelConfig config) {
        requireSame("heads", jlama.numberOfHeads, config.heads(0).numberOfHeads());
        requireSame("KV heads", jlama.numberOfKeyValueHeads, config.heads(0).numberOfKvHeads());
        requireSame("head size", jlama.headSize, config.heads(0).headSize());
        requireSame("hidden size", jlama.embeddingLength, config.hiddenSize());
        requireSame("intermediate size", jlama.hiddenLength, config.intermediateSize());
        ScoreRules scores = config.layer(0).attention().scores();
        requireSame("factor of attention scores", jlama.attentionMultiplier, scores.scale());
        requireSame("cap of attention scores", jlama.attnLogitSoftCapping, scores.softCap());
    }

    /** What Jlama's configuration leaves open it may simply not know. */
    private static void requireSame(String what, @Nullable Float found, float expected) {
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

    /** Returns the model, whose own methods keep working. */
    public AbstractModel model() {
        return model;
    }

    /** Returns the memory of keys and values. */
    public PagePool pool() {
        return layers.pool();
    }

    /** Puts the old layers and key/value cache back and frees all memory. Sequences of this swap end. */
    @Override
    public void close() {
        layers.lock().lock();
        try {
            if (!closed) {
                closed = true;
                TransformerBlock[] blocks = JlamaAccess.blocks(model);
                System.arraycopy(oldBlocks, 0, blocks, 0, blocks.length);
                JlamaAccess.setKvBufferCache(model, oldKvBufferCache);
                synchronized (sequences) {
                    sequences.values().forEach(AttentionSequence::close);
                    sequences.clear();
                }
                layers.close();
                products.close();
                arena.close();
            }
        } finally {
            layers.lock().unlock();
        }
    }

    LayerStack layers() {
        return layers;
    }

    /**
     * Returns the rows of a pass. A batch that reaches the first layer begins a step; one that starts before the end of
     * the sequence replaces what came after.
     */
    List<SequenceRows> rowsFor(KvBuffer buffer, int layer, int position, int rows) {
        if (closed) {
            throw new IllegalStateException("the model's own layers were put back while this pass was running");
        }
        AttentionSequence sequence = sequences.computeIfAbsent(buffer, this::open);
        if (layer == 0) {
            restart(sequence, position);
            sequence.beginStep(rows);
        }
        return List.of(new SequenceRows(sequence, 0, rows, position));
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

    private AttentionSequence open(KvBuffer buffer) {
        AttentionSequence sequence = layers.newSequence(defaultProfile, KvType.F32);
        CLEANER.register(buffer, sequence::close);
        return sequence;
    }

    /** Ends the step after the last layer. */
    void layerDone(List<SequenceRows> rows, int layer) {
        if (layer == layers.config().layers() - 1) {
            rows.getFirst().sequence().endStep();
        }
    }
}
