// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import com.github.tjake.jlama.tensor.KvBufferCache.KvBuffer;

import io.github.chaijlama.decoder.OutputHead;
import io.github.chaijlama.decoder.StepClock;
import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.model.Rotary;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.weight.StoredWeights;
import io.github.chaijlama.weight.WeightFormat;
import io.github.chaijlama.weight.WeightFormats;

/**
 * A model as Jlama computes it, with its own layers, attention and key/value cache, for comparison. Jlama's cache works
 * on files; they are made in a directory of their own and deleted. Thread-safe: steps take turns.
 */
public final class JlamaModel implements AutoCloseable {
    /** As many as Jlama takes at a time; of more it loses the memory of all results but the last. */
    private static final int MAX_BATCH = 256;
    /** An array of two floats, a reference to it, and the float it is made from. */
    private static final int BYTES_OF_ANGLE = 32;
    private static final Set<WeightFormat> MULTIPLIED = EnumSet.of(WeightFormat.F32, WeightFormat.BF16,
            WeightFormat.Q4);
    private static final Set<WeightFormat> LOOKED_UP = EnumSet.of(WeightFormat.F32, WeightFormat.BF16);

    private final ModelConfig config;
    private final StoredWeights weights;
    private final AbstractModel model;
    private final WorkerPool workers;
    private final OutputHead output;
    private final Path pages;
    private final Thread deleteAtExit;
    /** Jlama keeps state of the running request in fields of its layers: one step at a time. */
    private final ReentrantLock lock = new ReentrantLock(true);
    private boolean closed;

    private JlamaModel(ModelConfig config, StoredWeights weights, AbstractModel model, WorkerPool workers,
            Optional<StepClock> clock) {
        this.config = config;
        this.weights = weights;
        this.model = model;
        this.workers = workers;
        try {
            this.pages = Files.createTempDirectory("chai-stock");
        } catch (IOException e) {
            throw new ModelLoadException("no directory for Jlama's key/value pages can be made: " + e.getMessage(), e);
        }
        this.deleteAtExit = new Thread(this::deleteDirectory, "chai-stock-cleanup");
        try {
            model.getConfig().setWorkingDirectory(pages.toFile());
            this.output = OutputHead.of(config, weights, new JlamaProducts(workers), workers, clock);
            clock.ifPresent(present -> TimedBlock.install(model, present));
            Runtime.getRuntime().addShutdownHook(deleteAtExit);
        } catch (RuntimeException | Error e) {
            deleteDirectory();
            throw e;
        }
    }

    /**
     * Loads a model.
     *
     * @param directory Hugging Face layout: config.json and safetensors
     * @param quantize  whether the matrices of layers and output become Q4
     * @param threads   threads of the product with the vocabulary; Jlama has its own for the rest
     * @param clock     told how long everything takes, if anybody measures
     * @throws ModelLoadException if the model is missing, broken, not supported, or computed wrongly by Jlama
     */
    public static JlamaModel load(Path directory, boolean quantize, int threads, Optional<StepClock> clock) {
        ModelConfig config = ModelConfig.read(directory);
        JlamaFamily family = family(config, directory);
        NativeOperations.find(); // before Jlama looks for them
        // Jlama knows no sliding windows: as far as the shortest reaches they make no difference.
        int window = config.shortestWindow().orElse(config.contextLength());
        ModelConfig usable = config.withContextLength(Math.min(window, config.contextLength()));
        requireRoomForAngles(usable);
        JlamaAccess.requireCompatible();
        StoredWeights weights = StoredWeights.open(directory, usable);
        WorkerPool workers = new WorkerPool(threads);
        try {
            weights.prepare(new WeightFormats(MULTIPLIED, LOOKED_UP, quantize));
            AbstractModel model = family.load(usable, new JlamaWeightLoader(directory, weights, usable));
            try {
                return new JlamaModel(usable, weights, model, workers, clock);
            } catch (RuntimeException | Error e) {
                model.close();
                throw e;
            }
        } catch (RuntimeException | Error e) {
            workers.close();
            weights.close();
            throw e;
        }
    }

    private static JlamaFamily family(ModelConfig config, Path directory) {
        try {
            return JlamaFamily.of(config);
        } catch (ModelLoadException e) {
            throw new ModelLoadException(e.getMessage() + ": " + directory, e);
        }
    }

    /** Jlama's attention makes an object for every pair of values of every position, whether or not it is used. */
    private static void requireRoomForAngles(ModelConfig config) {
        long bytes = (long) config.contextLength() * config.heads().headSize() / 2 * BYTES_OF_ANGLE;
        long limit = Runtime.getRuntime().maxMemory() / 2;
        Optional<Rotary> rotary = config.layer(0).attention().rotary();
        if (rotary.isPresent() && bytes > limit) {
            throw new ModelLoadException(
                    "Jlama's own attention needs about " + bytes + " bytes of heap for the angles of "
                            + config.contextLength() + " positions, expected at most half of the heap, " + limit);
        }
    }

    /** Returns the version of the Jlama on the class path, as its jar states it. */
    public static String version() {
        return JlamaAccess.version();
    }

    /** Returns what config.json says, its context cut where Jlama's attention would go wrong. */
    public ModelConfig config() {
        return config;
    }

    /** Returns the weights. */
    public StoredWeights weights() {
        return weights;
    }

    /** Returns the name of Jlama's operators. */
    public String operators() {
        return NativeOperations.find().name();
    }

    /** Starts an empty sequence. */
    public JlamaSequence newSequence() {
        return new JlamaSequence(this, UUID.randomUUID(), new KvBufferCache(model));
    }

    @Override
    public void close() {
        lock.lock();
        try {
            if (!closed) {
                closed = true;
                output.close();
                model.close();
                workers.close();
                weights.close();
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
     * Runs tokens.
     *
     * @param position  position of the first one
     * @param allLogits whether the logits of every token are wanted, or of the last one
     */
    float[][] run(int[] tokens, int position, KvBuffer buffer, boolean allLogits) {
        lock.lock();
        try {
            if (closed) {
                throw new IllegalStateException("the model is closed");
            }
            float[][] logits = new float[allLogits ? tokens.length : 1][];
            for (int from = 0; from < tokens.length; from += MAX_BATCH) {
                int[] batch = Arrays.copyOfRange(tokens, from, Math.min(tokens.length, from + MAX_BATCH));
                try (AbstractTensor<?, ?> tensor = model.batchForward(batch, position + from, buffer)) {
                    Rows rows = new Rows(tensor.getMemorySegment(), batch.length, config.hiddenSize());
                    if (allLogits) {
                        output.logits(rows, logits, from);
                    } else if (from + batch.length == tokens.length) {
                        output.logits(rows.rows(batch.length - 1, 1), logits, 0);
                    }
                }
            }
            return logits;
        } finally {
            lock.unlock();
        }
    }

    /** Ends a sequence and deletes its files. */
    void end(UUID session, KvBufferCache cache) {
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
