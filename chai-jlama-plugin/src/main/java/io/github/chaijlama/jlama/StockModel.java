// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import com.github.tjake.jlama.tensor.KvBufferCache.KvBuffer;

import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.cluster.HeadGram;
import io.github.chaijlama.cluster.OutputDistances;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.profile.ClusterProfile;

/** A model as Jlama loads it, with Jlama's attention and key/value cache, for comparison. */
final class StockModel extends LoadedModel {
    /** As many as Jlama takes at a time; of more it loses the memory of all results but the last. */
    private static final int MAX_BATCH = 256;

    private final Path pages;
    private final Thread deleteAtExit;
    private final MatrixProducts products;
    private final OutputHead output;
    /** Jlama keeps state of the running request in fields of its layers: one step at a time. */
    private final ReentrantLock lock = new ReentrantLock(true);
    private boolean closed;

    StockModel(Opened opened) {
        super(opened);
        try {
            this.pages = Files.createTempDirectory("chai-stock");
        } catch (IOException e) {
            throw new ModelLoadException("no directory for Jlama's key/value pages can be made: " + e.getMessage(), e);
        }
        this.deleteAtExit = new Thread(this::deleteDirectory, "chai-stock-cleanup");
        try {
            model().getConfig().setWorkingDirectory(pages.toFile());
            this.products = new MatrixProducts(workers());
            this.output = new OutputHead(model(), config(), outputWeights(), products);
            Runtime.getRuntime().addShutdownHook(deleteAtExit);
        } catch (RuntimeException | Error e) {
            deleteDirectory();
            throw e;
        }
    }

    /** Starts an exact sequence; Jlama's attention knows no clusters, and its cache holds 32-bit floats. */
    @Override
    public ModelSequence newSequence(ClusterProfile profile, KvType type) {
        if (profile != null) {
            throw new IllegalArgumentException("Jlama's own attention cannot be clustered");
        }
        if (type != KvType.F32) {
            throw new IllegalArgumentException(
                    "Jlama's own attention stores keys and values as F32, asked for " + type);
        }
        return new Sequence();
    }

    @Override
    public long kvCacheAllocatedBytes() {
        return -1;
    }

    @Override
    public void reclaimFrom(BooleanSupplier reclaimer) {
        // Jlama's own cache has no budget that could be used up.
    }

    @Override
    MatrixProducts products() {
        return products;
    }

    @Override
    public void close() {
        lock.lock();
        try {
            if (!closed) {
                closed = true;
                output.close();
                super.close();
                deleteDirectory();
                removeShutdownHook();
            }
        } finally {
            lock.unlock();
        }
    }

    private void removeShutdownHook() {
        try {
            Runtime.getRuntime().removeShutdownHook(deleteAtExit);
        } catch (IllegalStateException _) {
            // The JVM is ending; the hook finds nothing to do.
        }
    }

    private void deleteDirectory() {
        try {
            if (Files.exists(pages)) {
                deletePages("");
                Files.deleteIfExists(pages);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Deletes the page files whose names begin with a session's id. */
    private void deletePages(String session) {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(pages, session + "*")) {
            for (Path file : files) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Takes what it needs of a batch's rows, {@code (count, hiddenSize)}; the first of them is that of token
     * {@code first}.
     */
    private interface RowsOfBatch {
        void accept(AbstractTensor<?, ?> rows, int first);
    }

    private final class Sequence implements ModelSequence {
        private final UUID session = UUID.randomUUID();
        private final KvBufferCache cache = new KvBufferCache(model());
        private final KvBuffer buffer = cache.getKvBuffer(session);
        private int length;

        @Override
        public float[] feed(int... tokens) {
            float[][] logits = new float[1][];
            run(tokens, (rows, first) -> {
                int count = rows.shape().first();
                if (first + count == tokens.length) {
                    logits[0] = output.logits(rows, count - 1);
                }
            });
            return logits[0];
        }

        @Override
        public float[][] feedAll(int... tokens) {
            float[][] logits = new float[tokens.length][];
            run(tokens, (rows, first) -> output.logits(rows, rows.shape().first(), logits, first));
            return logits;
        }

        private void run(int[] tokens, RowsOfBatch result) {
            lock.lock();
            try {
                if (closed) {
                    throw new IllegalStateException("the model is closed");
                }
                for (int from = 0; from < tokens.length; from += MAX_BATCH) {
                    int[] batch = Arrays.copyOfRange(tokens, from, Math.min(tokens.length, from + MAX_BATCH));
                    try (AbstractTensor<?, ?> rows = model().batchForward(batch, length, buffer)) {
                        length += batch.length;
                        result.accept(rows, from);
                    }
                }
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void observe(List<HeadGram> products) {
            throw new IllegalStateException("Jlama's own attention does not show its probabilities");
        }

        @Override
        public void observeOutputs(List<OutputDistances> distances) {
            throw new IllegalStateException("Jlama's own attention does not show its probabilities");
        }

        @Override
        public void truncate(int length) {
            throw new UnsupportedOperationException("Jlama's own cache cannot be cut back");
        }

        @Override
        public boolean isReusable(int length) {
            return false;
        }

        @Override
        public ModelSequence copy(int length) {
            throw new IllegalArgumentException("Jlama's own cache cannot be copied");
        }

        /** Nothing to do: Jlama's attention has no clusters to decide. */
        @Override
        public void endPrompt() {}

        @Override
        public int length() {
            return length;
        }

        @Override
        public HeadClusters clusters(int layer) {
            return HeadClusters.identity(config().heads().numberOfHeads());
        }

        @Override
        public long kvCacheBytes() {
            return -1;
        }

        @Override
        public long kvCacheAllocatedBytes() {
            return -1;
        }

        @Override
        public void close() {
            lock.lock();
            try {
                cache.close();
                if (!closed) {
                    deletePages(session.toString());
                }
            } finally {
                lock.unlock();
            }
        }
    }
}
