// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache.KvBuffer;

import io.github.chaijlama.attention.AttentionSequence;
import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.cluster.HeadGram;
import io.github.chaijlama.cluster.OutputDistances;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.profile.ClusterProfile;

/** A model whose attention is exchanged. */
final class SwappedModel extends LoadedModel {
    private final AttentionSwap swap;
    private final TokenEmbedding embedding;
    private final OutputHead output;
    private boolean closed;

    SwappedModel(Opened opened, long maxKvBytes) {
        super(opened);
        this.swap = AttentionSwap.install(model(), config(), null, maxKvBytes, workers());
        ModelFamily family = config().family();
        try {
            AbstractTensor<?, ?> table = weights().load(family.embeddingName());
            this.embedding = new TokenEmbedding(model(), table,
                    family.positionEmbeddingName() == null ? null : weights().load(family.positionEmbeddingName()),
                    family.embeddingMultiplier(config(), table.dType()));
            this.output = new OutputHead(model(), config(), outputWeights(), swap.resources().products());
        } catch (RuntimeException | Error e) {
            swap.close();
            throw e;
        }
    }

    @Override
    public ModelSequence newSequence(ClusterProfile profile, KvType type) {
        lock().lock();
        try {
            ensureOpen();
            return new Sequence(profile, type);
        } finally {
            lock().unlock();
        }
    }

    @Override
    public long kvCacheAllocatedBytes() {
        return swap.pool().allocatedBytes();
    }

    @Override
    public void reclaimFrom(BooleanSupplier reclaimer) {
        swap.pool().reclaimFrom(reclaimer);
    }

    @Override
    MatrixProducts products() {
        return swap.resources().products();
    }

    private ReentrantLock lock() {
        return swap.resources().lock();
    }

    private void ensureOpen() {
        if (closed) {
            throw new IllegalStateException("the model is closed");
        }
    }

    @Override
    public void close() {
        lock().lock();
        try {
            if (!closed) {
                closed = true;
                swap.close();
                output.close();
                super.close();
            }
        } finally {
            lock().unlock();
        }
    }

    /**
     * A sequence of this model. Every method takes the model's lock, so a session can be closed while it is running.
     */
    private final class Sequence implements ModelSequence {
        private final KvBuffer buffer = JlamaAccess.kvBufferCache(model()).getEphemeralKvBuffer();
        private final ClusterProfile profile;
        private final KvType type;
        private final AttentionSequence attention;
        private boolean ended;

        Sequence(ClusterProfile profile, KvType type) {
            this.profile = profile;
            this.type = type;
            this.attention = swap.open(buffer, profile, type);
        }

        @Override
        public float[] feed(int... tokens) {
            float[][] logits = new float[1][];
            int from = 0;
            for (int batch : BatchPlan.batches(tokens.length)) {
                boolean last = from + batch == tokens.length;
                step(tokens, from, batch, rows -> {
                    if (last) {
                        logits[0] = output.logits(rows, batch - 1);
                    }
                });
                from += batch;
            }
            return logits[0];
        }

        @Override
        public float[][] feedAll(int... tokens) {
            float[][] logits = new float[tokens.length][];
            int from = 0;
            for (int batch : BatchPlan.batches(tokens.length)) {
                int first = from;
                step(tokens, first, batch, rows -> output.logits(rows, batch, logits, first));
                from += batch;
            }
            return logits;
        }

        /** Runs a batch; {@code result} takes what it needs of the rows, {@code (count, hiddenSize)}. */
        private void step(int[] tokens, int from, int count, Consumer<AbstractTensor<?, ?>> result) {
            lock().lock();
            try {
                ensureOpen();
                attention.beginStep(count);
                AbstractTensor<?, ?> rows = model().forward(embedding.rows(tokens, from, count, attention.length()),
                        attention.length(),
                        buffer,
                        Optional.empty());
                attention.endStep();
                try {
                    result.accept(rows);
                } finally {
                    rows.close();
                }
            } finally {
                lock().unlock();
            }
        }

        @Override
        public void observe(List<HeadGram> products) {
            attention.observe(products);
        }

        @Override
        public void observeOutputs(List<OutputDistances> distances) {
            attention.observeOutputs(distances);
        }

        @Override
        public void truncate(int length) {
            lock().lock();
            try {
                ensureOpen();
                attention.truncate(length);
            } finally {
                lock().unlock();
            }
        }

        @Override
        public boolean isReusable(int length) {
            return attention.isReusable(length);
        }

        @Override
        public ModelSequence copy(int length) {
            lock().lock();
            try {
                ensureOpen();
                Sequence copy = new Sequence(profile, type);
                try {
                    copy.attention.copyFrom(attention, length);
                    return copy;
                } catch (RuntimeException | Error e) {
                    copy.close();
                    throw e;
                }
            } finally {
                lock().unlock();
            }
        }

        @Override
        public void endPrompt() {
            lock().lock();
            try {
                ensureOpen();
                attention.endPrompt();
            } finally {
                lock().unlock();
            }
        }

        @Override
        public int length() {
            return attention.length();
        }

        @Override
        public HeadClusters clusters(int layer) {
            return attention.clusters(layer);
        }

        @Override
        public long kvCacheBytes() {
            return attention.usedBytes();
        }

        @Override
        public long kvCacheAllocatedBytes() {
            return attention.allocatedBytes();
        }

        @Override
        public void close() {
            lock().lock();
            try {
                if (!ended) {
                    ended = true;
                    swap.forget(buffer);
                    attention.close();
                    buffer.close();
                }
            } finally {
                lock().unlock();
            }
        }
    }
}
