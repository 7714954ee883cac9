// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import io.github.chaijlama.attention.AttentionSequence;
import io.github.chaijlama.attention.SequenceRows;
import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.kv.KvBudget;
import io.github.chaijlama.kv.KvCacheFullException;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.kv.PagePool;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.product.MatrixProducts;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightSource;

/**
 * The forward pass of a decoder-only model: a step takes the next tokens of one or more sequences through every layer.
 * Thread-safe: steps take turns, in order of arrival; a sequence belongs to one thread at a time.
 */
public final class Decoder implements AutoCloseable {
    private final LayerStack layers;
    private final TokenEmbedding embedding;
    private final Optional<LayerEmbedding> layerEmbedding;
    private final OutputHead head;
    private final Stretching stretching;

    /**
     * Creates the forward pass of a model.
     *
     * @param weights    its weights; their memory must outlive the decoder
     * @param products   matrix products
     * @param workers    threads of a step; stay open when the decoder is closed
     * @param budget   for keys and values of all sequences
     * @param clock      told how long everything takes, if anybody measures
     * @throws io.github.chaijlama.kv.KvCacheTooSmallException if the budget does not hold a single token
     */
    public Decoder(ModelConfig config, WeightSource weights, MatrixProducts products, WorkerPool workers,
            KvBudget budget, Optional<StepClock> clock) {
        this.layers = new LayerStack(config, weights, products, workers, budget, clock);
        try {
            this.embedding = new TokenEmbedding(config.embedding(), weights, layers.tools());
            this.layerEmbedding = config.embedding().ofLayers()
                    .map(present -> new LayerEmbedding(present, weights, layers.tools()));
            this.head = OutputHead.of(config, weights, layers.tools(), clock);
            this.stretching = new Stretching(config.stretchedBeyond());
        } catch (RuntimeException | Error e) {
            layers.close();
            throw e;
        }
    }

    /**
     * Starts an empty sequence.
     *
     * @param profile clusters per layer, checked to fit the model
     * @param type    how keys and values are stored
     */
    public AttentionSequence newSequence(ClusterProfile profile, KvType type) {
        layers.lock().lock();
        try {
            ensureOpen();
            return layers.newSequence(profile, type);
        } finally {
            layers.lock().unlock();
        }
    }

    /**
     * Runs the next tokens of sequences through the model, all in one step.
     *
     * @param runs each of another sequence
     * @return the logits that were asked for, {@code (vocabularySize)} each, in the order of the runs
     * @throws io.github.chaijlama.kv.KvCacheFullException if keys and values do not fit into the budget; no sequence
     *                                                     has changed then
     * @throws IllegalStateException                       if the model is closed
     */
    public float[][] step(List<StepRun> runs) {
        layers.lock().lock();
        try {
            ensureOpen();
            stretching.prepare(runs, this::pass);
            return pass(runs);
        } finally {
            layers.lock().unlock();
        }
    }

    /** One pass through all layers, under the lock. */
    private float[][] pass(List<StepRun> runs) {
        List<SequenceRows> sequences = begin(runs);
        Rows x = embed(runs, sequences); // (row, hiddenSize)
        Optional<Rows> inputs = layerInputs(runs, sequences, x); // (row, layer, size), in families that have them
        for (int layer = 0; layer < config().layers(); layer++) {
            layers.forward(layer, sequences, x, inputs);
        }
        runs.forEach(run -> run.sequence().endStep());
        return logits(runs, sequences, x);
    }

    /** Sets memory aside for every sequence, or for none. */
    private static List<SequenceRows> begin(List<StepRun> runs) {
        List<SequenceRows> sequences = new ArrayList<>(runs.size());
        int row = 0;
        try {
            for (StepRun run : runs) {
                run.sequence().beginStep(run.count());
                sequences.add(new SequenceRows(run.sequence(), row, run.count(), run.sequence().length()));
                row += run.count();
            }
        } catch (KvCacheFullException e) {
            sequences.forEach(begun -> begun.sequence().abandonStep());
            throw e.ofRun(sequences.size());
        } catch (RuntimeException | Error e) {
            sequences.forEach(begun -> begun.sequence().abandonStep());
            throw e;
        }
        return sequences;
    }

    private Rows embed(List<StepRun> runs, List<SequenceRows> sequences) {
        SequenceRows last = sequences.getLast();
        Rows x = layers.rows(last.firstRow() + last.rows());
        Rows embedded = embedding.rows(x);
        forEachToken(runs, sequences, (token, row) -> embedding.lookUp(token, embedded, row));
        embedding.project(embedded, x);
        for (SequenceRows rows : sequences) {
            for (int row = 0; row < rows.rows(); row++) {
                embedding.addPosition(rows.position() + row, x, rows.firstRow() + row);
            }
        }
        return x;
    }

    /** Something to do with a token and its row in the step. */
    @FunctionalInterface
    private interface TokenTask {
        void run(int token, int row);
    }

    private static void forEachToken(List<StepRun> runs, List<SequenceRows> sequences, TokenTask task) {
        for (int i = 0; i < runs.size(); i++) {
            StepRun run = runs.get(i);
            for (int token = 0; token < run.count(); token++) {
                task.run(run.tokens()[run.from() + token], sequences.get(i).firstRow() + token);
            }
        }
    }

    /** What tokens say to every layer, where a family has that. */
    private Optional<Rows> layerInputs(List<StepRun> runs, List<SequenceRows> sequences, Rows x) {
        return layerEmbedding.map(present -> {
            Rows inputs = present.rows(x.count());
            forEachToken(runs, sequences, (token, row) -> present.lookUp(token, inputs, row));
            present.addProjected(x, inputs);
            return inputs;
        });
    }

    /** Takes the rows whose logits are wanted together, so that the weights of the vocabulary are read once. */
    private float[][] logits(List<StepRun> runs, List<SequenceRows> sequences, Rows x) {
        int wanted = 0;
        for (StepRun run : runs) {
            wanted += run.logits();
        }
        float[][] logits = new float[wanted][];
        Rows rows = layers.wantedRows(wanted); // (row, hiddenSize)
        int next = 0;
        for (int i = 0; i < runs.size(); i++) {
            int count = runs.get(i).logits();
            SequenceRows of = sequences.get(i);
            if (count > 0) {
                rows.rows(next, count).memory().copyFrom(x.rows(of.firstRow() + of.rows() - count, count).memory());
                next += count;
            }
        }
        if (wanted > 0) {
            head.logits(rows, logits, 0);
        }
        return logits;
    }

    /**
     * Does something with a sequence between two steps, or once the model is closed.
     *
     * @throws IllegalStateException if the model is closed
     */
    public void betweenSteps(Runnable change) {
        layers.lock().lock();
        try {
            ensureOpen();
            change.run();
        } finally {
            layers.lock().unlock();
        }
    }

    /**
     * Returns how many tokens that may turn out to be wrong can be fed behind those that a sequence gets anyway, in one
     * step, and be cut again as if they had never been: none while heads are looked at, no more than the context holds,
     * none beyond the length where angles become others, and none with products that depend on the number of rows.
     *
     * @param sure tokens that the sequence gets anyway, at least 1
     */
    public int roomForGuesses(AttentionSequence sequence, int sure) {
        int length = sequence.length() + sure;
        if (!layers.tools().products().areSameForAnyRows() || !sequence.canTakeBackBehind(length)) {
            return 0;
        }
        return Math.max(0, Math.min(config().contextLength() - length, stretching.roomBehind(length)));
    }

    /** Ends a sequence and returns its memory, after the step that is running; also when the model is closed. */
    public void end(AttentionSequence sequence) {
        layers.lock().lock();
        try {
            sequence.close();
        } finally {
            layers.lock().unlock();
        }
    }

    private void ensureOpen() {
        if (layers.isClosed()) {
            throw new IllegalStateException("the model is closed");
        }
    }

    /** Returns the configuration of the model. */
    public ModelConfig config() {
        return layers.config();
    }

    /** Returns the memory of keys and values. */
    public PagePool pool() {
        return layers.pool();
    }

    /** Returns the matrix of a layer's output projection, {@code (hiddenSize, head * headSize)}. */
    public Weight outputProjection(int layer) {
        return layers.outputProjection(layer);
    }

    /** Waits for a running step, then frees everything. Sequences that are open become unusable. */
    @Override
    public void close() {
        layers.close();
    }
}
